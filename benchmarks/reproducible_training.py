"""What `training.reproducible: strict` costs, and whether it keeps its word: one line of JSON.

The selected model is trained for a few steps on the checkout's own samples, each time in a process of its own, fast and
strict in turn, and the least time of a step of each is taken. Strict is also trained on one core, and with settings in the
environment that would have other instructions and threads used: the weights must come out the same.

    python benchmarks/reproducible_training.py [--steps 24] [--repeats 3] [--checkout .]

step_ms     the least time of a step, of each kind
ratio       of strict to fast
weights     the sha256 of the weights of each kind, shortened; `strict` is one, or the script fails
used        vectors and threads, as torch says
"""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import typer

from instrumentarium.runtime.process import STRICT, Reproducible, fix_arithmetic
from instrumentarium.runtime.section import stage_params
from instrumentarium.runtime.stage import run

ROOT = Path(__file__).resolve().parents[1]
OTHERS = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "AUTO",
    "OMP_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": "",
}
"""What a user may have set."""


def main(
    steps: Annotated[int, typer.Option(min=2, help="Of a training.")] = 24,
    repeats: Annotated[int, typer.Option(min=1, help="Trainings of each kind.")] = 3,
    checkout: Annotated[Path, typer.Option(help="Where the pipeline has run as far as stats.")] = ROOT,
    once: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Train fast and strict, and compare times and weights."""
    os.chdir(checkout)
    if once:
        print(json.dumps(_train("strict" if once == "strict" else "fast", steps)))
        return
    found: dict[str, list[dict[str, object]]] = {"fast": [], "strict": []}
    for _ in range(repeats):
        for kind, trainings in found.items():
            trainings.append(_apart(kind, steps))
    alone, otherwise = _apart("strict", steps, cores=1), _apart("strict", steps, **OTHERS)
    weights = {kind: sorted({str(each["weights"]) for each in trainings}) for kind, trainings in found.items()}
    weights["strict"] = sorted({*weights["strict"], str(alone["weights"]), str(otherwise["weights"])})
    step_ms = {kind: min(float(str(each["step_ms"])) for each in trainings) for kind, trainings in found.items()}
    used = {"fast": found["fast"][0]["used"], "strict": found["strict"][0]["used"], "strict on one core": alone["used"]}
    ratio = round(step_ms["strict"] / step_ms["fast"], 3)
    print(json.dumps({"steps": steps, "step_ms": step_ms, "ratio": ratio, "weights": weights, "used": used}))
    if len(weights["strict"]) > 1:
        raise typer.Exit(1)


def _apart(kind: str, steps: int, cores: int | None = None, **settings: str) -> dict[str, object]:
    """Train in a process of its own, whose environment has none of STRICT's settings but those given."""
    environment = {name: value for name, value in os.environ.items() if name not in STRICT} | settings
    command = [sys.executable, __file__, "--steps", str(steps), "--checkout", ".", "--once", kind]
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    shown = subprocess.run(
        command,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),
    )
    content: dict[str, object] = json.loads(shown.stdout.splitlines()[-1])
    return content


def _train(kind: Reproducible, steps: int) -> dict[str, object]:
    """Train for so many steps; return the time of one, the hash of the weights, and what torch used."""
    fix_arithmetic(kind)
    import torch

    from instrumentarium.clips.collection import corpus_folders
    from instrumentarium.training.fit import fit
    from instrumentarium.training.run import Inputs, prepare
    from instrumentarium.training.split_data import SplitData

    params, data = stage_params(), Path("data")
    folders = corpus_folders(data / "clips" / params.read("collection", str))
    tables = (
        data / name
        for name in ("labels.csv", "taxonomy.json", "split.csv", "stats.json", "selected", "keys_tempos.csv")
    )
    prepared = prepare(params, Inputs(folders, *tables))
    recipe = prepared.run.recipe
    changes = {"epochs": 1, "windows_per_epoch": steps * recipe.batch_size}
    training = dataclasses.replace(prepared.run, recipe=recipe.model_copy(update=changes))
    validation, known = prepared.data["validation"], prepared.data["validation"].labels
    positive = (known.targets & known.observed).any(axis=1)
    first = [name for name, has_one in zip(validation.samples.clip_ids, positive, strict=True) if has_one][:1]
    few = SplitData(validation.samples.take(first), known.take(first))  # what is timed is training
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        fit(training, prepared.data["train"], few, Path(folder))
        seconds = time.perf_counter() - began
    weights = b"".join(tensor.numpy().tobytes() for tensor in training.model.state_dict().values())
    return {
        "step_ms": round(1000 * seconds / steps, 1),
        "weights": hashlib.sha256(weights).hexdigest()[:16],
        "used": f"{torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads",
    }


if __name__ == "__main__":
    run(main)
