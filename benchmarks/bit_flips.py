"""Whether a single flipped bit in a file that answers depend on is noticed, as one line of JSON.

Bits are drawn at random, each is flipped in a copy, and the copy is loaded as the commands load it. By file:

    python benchmarks/bit_flips.py [--count 200] [--seed 0] [--model data/model]

tried       flips
noticed     the file is refused with a message that says what to do
harmless    nothing is said, and every answer is the same: spaces between the numbers of a JSON file
silent      nothing is said, and an answer is another: damage that goes unnoticed
crashed     anything else but a message

Files: a shard of the sample store (made here; its header is checked, its samples are not: DVC holds their md5, see
docs/predicting.md), model.safetensors, model.json, thresholds.json, and the exported ONNX file, where its packages are
installed. Answers are the predictions for noise made here.
"""

import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import numpy as np
import typer

from instrumentarium.predicting.choices import Backend
from instrumentarium.predicting.exporting import export_model
from instrumentarium.predicting.loading import load_ladder
from instrumentarium.predicting.modelsource import thresholds_of
from instrumentarium.predicting.onnxfile import onnx_path
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.stage import run
from instrumentarium.tables.samplestore import SampleStore, SampleWriter

ROOT = Path(__file__).resolve().parents[1]
CLIPS, CLIP_SAMPLES = 8, 1000


def main(
    count: Annotated[int, typer.Option(min=1, help="Flips in each file.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of which bits are flipped.")] = 0,
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")] = ROOT / "data" / "model",
) -> None:
    """Flip bits, one at a time, and count what is noticed."""
    with tempfile.TemporaryDirectory(prefix="bit-flips-") as temporary:
        store, folder = Path(temporary) / "samples", Path(temporary) / "model"
        shutil.copytree(model, folder)
        shutil.copy(thresholds_of(model), folder / "thresholds.json")
        _write_store(store)
        files: dict[Path, Callable[[], object]] = {store / "000.npy": lambda: _read_store(store)}
        for name in ("model.safetensors", "model.json", "thresholds.json"):
            files[folder / name] = lambda: _predict(folder, Backend.TORCH)
        if find_spec("onnx") and find_spec("onnxruntime"):
            export_model(folder, onnx_path(folder), None)
            files[onnx_path(folder)] = lambda: _predict(folder, Backend.ONNXRUNTIME)
        rng = np.random.default_rng(seed)
        result = {path.name: flip_bits(path, answer, count, rng) for path, answer in files.items()}
    print(json.dumps({"seed": seed, "files": result}, allow_nan=False))


def flip_bits(path: Path, answer: Callable[[], object], count: int, rng: np.random.Generator) -> dict[str, int]:
    """Flip `count` bits of a file, one at a time, and return how many were noticed, harmless, silent, crashed."""
    sound, expected, found = path.read_bytes(), answer(), Counter[str]()
    for bit in rng.integers(8 * len(sound), size=count).tolist():
        damaged = bytearray(sound)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            found["harmless" if answer() == expected else "silent"] += 1
        except UserError:
            found["noticed"] += 1
        except Exception:
            found["crashed"] += 1
    path.write_bytes(sound)
    return {"tried": count, **{kind: found[kind] for kind in ("noticed", "harmless", "silent", "crashed")}}


def _write_store(folder: Path) -> None:
    rng = np.random.default_rng(0)
    with SampleWriter(folder) as writer:
        for _ in range(CLIPS):
            writer.append(rng.integers(-9000, 9000, CLIP_SAMPLES).astype(np.int16))


def _read_store(folder: Path) -> bytes:
    store = SampleStore(folder)
    return b"".join(store.read(clip * CLIP_SAMPLES, CLIP_SAMPLES).tobytes() for clip in range(CLIPS))


def _predict(folder: Path, backend: Backend) -> object:
    """Return all that is predicted of a second of noise."""
    audio2timeline = load_ladder(folder, backend=backend).audio2timeline
    rate_hz = audio2timeline.samples2scores.sample_rate_hz
    noise = 0.1 * np.random.default_rng(0).standard_normal(rate_hz)
    return audio2timeline(noise, rate_hz).content()


if __name__ == "__main__":
    run(main)
