"""Processor time of one training window of a model, with the front end and windows that a collection has: a line of JSON.

    python benchmarks/training_cost.py cnn mobilenet resnext

Forward, backward and the optimiser's step on noise, on one thread; augmentation and reading are left out. Processor time,
not wall time, so that a busy machine says nearly the same as an idle one. docs/full.md computes hours from it.

core_s_per_window   median over the batches
epoch_windows       of the recipe
core_hours          core_s_per_window x epoch_windows x epochs of the recipe / 3600
"""

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import torch
import typer

from instrumentarium.config.selection import Selectors, select
from instrumentarium.config.whole import load_params
from instrumentarium.frontends.normalisation import NO_NORMALISATION
from instrumentarium.models.recognition import build_model


def main(
    entries: Annotated[list[str], typer.Argument(help="Keys of `models`.")],
    collection: Annotated[str, typer.Option(help="A key of `collections`.")] = "full",
    batch: Annotated[int, typer.Option(help="Windows a batch.", min=2)] = 16,
    batches: Annotated[int, typer.Option(help="Batches that are measured, after one that is not.", min=1)] = 3,
    params_file: Annotated[Path, typer.Option("--params", help="The parameters.")] = Path("params.yaml"),
) -> None:
    """Measure each model."""
    torch.set_num_threads(1)
    params = load_params(params_file)
    for entry in entries:
        selection, problems = select(entry, params.models[entry], collection, params.entries, Selectors())
        if selection is None or problems:
            raise typer.BadParameter("; ".join(problems))
        samples = round(selection.windows.length_s * params.audio.sample_rate_hz)
        model = build_model(
            selection.frontend,
            params.models[entry].backbone,
            selection.head,
            instruments=11,
            sample_rate_hz=params.audio.sample_rate_hz,
            window_samples=samples,
            normalisation=NO_NORMALISATION,
        ).train()
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
        waveforms, targets = torch.randn(batch, samples) * 0.1, torch.ones(batch, 11)
        times = []
        for _ in range(batches + 1):
            began = time.process_time()
            found = model(waveforms)
            logits = found[0] if isinstance(found, tuple) else getattr(found, "logits", found)
            torch.nn.functional.binary_cross_entropy_with_logits(logits, targets).backward()
            optimiser.step()
            optimiser.zero_grad()
            times.append((time.process_time() - began) / batch)
        cost, recipe = statistics.median(times[1:]), selection.recipe
        row = {
            "model": entry,
            "collection": collection,
            "core_s_per_window": round(cost, 4),
            "epoch_windows": recipe.windows_per_epoch,
            "epochs": recipe.epochs,
            "core_hours": round(cost * recipe.windows_per_epoch * recipe.epochs / 3600, 1),
        }
        print(json.dumps(row, sort_keys=True), flush=True)


if __name__ == "__main__":
    typer.run(main)
