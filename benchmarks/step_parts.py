"""Where the time of a training step goes on one thread: fetch, augmentation, spectra, network. One line of JSON.

    dvc repro stats
    python benchmarks/step_parts.py [--steps 40] [--checkout .]

The selected model takes steps on the checkout's own clips, with its recipe's batches and augmentation. All parts are
measured in the same steps, in processor time, and the median over the steps is taken: so their ratios hold on a busy
machine, too.

ms          of each part, a step: `fetch` reads a batch's windows and their levels; `augment` draws and applies all
            augmentations, united labels included; `spectra` makes features of waveforms; `network` is what is left of
            the step: forward, loss, backward, clipped gradients, optimiser
inside      the parts of `augment` and `spectra`, by augmentation and by step of the front end
input       fetch, augment and spectra together
ratio       of input to network; a part's ratio is in `ratios`
"""

import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's
os.environ["OMP_NUM_THREADS"] = "1"

import torch
import typer
from torch import Tensor
from torch.utils import deterministic

from instrumentarium.clips.collection import corpus_folders
from instrumentarium.frontends.base import PowerFrontEnd
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.runtime.section import stage_params
from instrumentarium.runtime.stage import run as run_command
from instrumentarium.training import task as tasks
from instrumentarium.training.allocation import keep_freed_memory
from instrumentarium.training.augment.base import Augmentation
from instrumentarium.training.run import Inputs, prepare
from instrumentarium.training.schedule import build_optimizer
from instrumentarium.training.task import RecognitionTask, TrainingRun

ROOT = Path(__file__).resolve().parents[1]
WARM_UP = 3
"""Steps that are not counted."""

Result = TypeVar("Result")


class Clock:
    """Sums the processor time of each part of a step."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def timed(self, part: str, function: Callable[..., Result]) -> Callable[..., Result]:
        """Return the function, whose time counts for a part."""

        def called(*args: Any, **kwargs: Any) -> Result:
            began = time.process_time()
            result = function(*args, **kwargs)
            self.spent[part] += time.process_time() - began
            return result

        return called


class TimedAugmentation(Augmentation):
    """An augmentation whose time is taken."""

    def __init__(self, augmentation: Augmentation, clock: Clock) -> None:
        part = f"augment {type(augmentation).__name__}"
        self.domain, self.by_row = augmentation.domain, augmentation.by_row
        self.draw = clock.timed(part, augmentation.draw)  # type: ignore[method-assign]
        self.apply = clock.timed(part, augmentation.apply)  # type: ignore[method-assign]
        self.unite = clock.timed(part, augmentation.unite)  # type: ignore[method-assign]

    def draw(self, shape: torch.Size, generator: torch.Generator) -> Any:
        """Replaced by the augmentation's own."""
        raise AssertionError

    def apply(self, x: Tensor, draw: Any) -> Tensor:
        """Replaced by the augmentation's own."""
        raise AssertionError


def main(
    steps: Annotated[int, typer.Option(min=2, help="Of the training.")] = 40,
    checkout: Annotated[Path, typer.Option(help="Where the pipeline has run as far as stats.")] = ROOT,
) -> None:
    """Measure the parts of a step."""
    os.chdir(checkout)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    deterministic.fill_uninitialized_memory = False
    keep_freed_memory()
    params, data = stage_params(), Path("data")
    folders = corpus_folders(data / "clips" / params.read("collection", str))
    names = ("labels.csv", "taxonomy.json", "split.csv", "stats.json", "selected", "keys_tempos.csv")
    prepared = prepare(params, Inputs(folders, *(data / name for name in names)))
    recipe = prepared.run.recipe
    windows = (WARM_UP + steps) * recipe.batch_size
    run = replace(prepared.run, recipe=recipe.model_copy(update={"windows_per_epoch": windows}))
    clock = Clock()
    task = RecognitionTask(timed_run(run, clock), prepared.data["train"], prepared.data["validation"]).train()
    rows = measured_steps(task, run, clock)[WARM_UP:]
    inside = {part: statistics.median(1000 * row[part] for row in rows) for part in rows[0] if part != "whole"}
    ms: dict[str, float] = defaultdict(float)
    for part, spent in inside.items():
        ms[part.partition(" ")[0]] += spent
    ms["network"] = statistics.median(1000 * row["whole"] for row in rows) - sum(ms.values())
    inputs = sum(spent for part, spent in ms.items() if part != "network")
    line = {
        "model": params.read("model", str),
        "batch_size": recipe.batch_size,
        "steps": steps,
        "ms": {part: round(spent, 2) for part, spent in ms.items()},
        "inside": {part: round(spent, 2) for part, spent in inside.items() if " " in part},
        "input": round(inputs, 2),
        "ratios": {part: round(spent / ms["network"], 3) for part, spent in ms.items() if part != "network"},
        "ratio": round(inputs / ms["network"], 3),
    }
    print(json.dumps(line))


def timed_run(run: TrainingRun, clock: Clock) -> TrainingRun:
    """Return the run, of which augmentations and front end are timed."""
    model = run.model
    if isinstance(model.frontend, PowerFrontEnd):
        model.frontend.power = clock.timed("spectra power", model.frontend.power)  # type: ignore[method-assign]
        model.frontend.compress = clock.timed("spectra compress", model.frontend.compress)  # type: ignore[method-assign]
    else:
        model.frontend.forward = clock.timed("spectra features", model.frontend.forward)  # type: ignore[method-assign]
    model.normalise.forward = clock.timed("spectra normalise", model.normalise.forward)  # type: ignore[method-assign]
    return replace(run, augmentations=[TimedAugmentation(each, clock) for each in run.augmentations])


def measured_steps(task: RecognitionTask, run: TrainingRun, clock: Clock) -> list[dict[str, float]]:
    """Return the processor time of each part of each step of an epoch, in seconds; `whole` is that of all of it."""
    optimizer = build_optimizer(run.model, run.recipe.learning_rate, run.training.weight_decay, objective=run.objective)
    batches: Any = task.train_dataloader().dataset
    fetch = clock.timed("fetch", lambda number: batches[number])
    tasks.to_waveforms = clock.timed("fetch", to_waveforms)
    rows = []
    for number in range(len(batches)):
        clock.spent.clear()
        began = time.process_time()
        batch = fetch(number)
        loss = task.training_step(batch, number)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        task.configure_gradient_clipping(optimizer)
        optimizer.step()
        rows.append({**clock.spent, "whole": time.process_time() - began})
    return rows


if __name__ == "__main__":
    run_command(main)
