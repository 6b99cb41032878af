"""Trainings that several processes share, or one does alone; as a program, by torchrun, it writes what each step found."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from model_fixtures import RECIPE, STRONG, TRAINER, augmented, timbre_data, tiny_model, tiny_run

from instrumentarium.clips.labels import LabelArrays
from instrumentarium.models.params import TimmParams
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.section import validate
from instrumentarium.training.fit import fit
from instrumentarium.training.objectives.params import LOSS as LOSS_KINDS
from instrumentarium.training.ranks import rank
from instrumentarium.training.split_data import SplitData
from instrumentarium.training.task import RecognitionTask, TrainingRun

Found = dict[str, Any]

COMPARING = validate(
    {
        "kind": "sum",
        "terms": {
            "bce": {"weight": 1.0, "loss": {"kind": "bce", "label_smoothing": 0.0, "pos_weight": 1.0}},
            "pairs": {"weight": 0.3, "loss": {"kind": "contrastive", "temperature": 0.2}},
            "centres": {"weight": 0.1, "loss": {"kind": "centre"}},
        },
    },
    LOSS_KINDS,
)
"""Of which terms compare rows of a batch, and learn weights of their own."""
MIXING = augmented(
    mixup={"probability": 0.8, "alpha": 0.5, "labels": "union"},
    mix={"probability": 0.5, "level_db": 6.0},
    noise={"probability": 0.5, "snr_db": 10.0},
    time_mask={"share": 0.2},
)
GENTLE = RECIPE.model_copy(update={"learning_rate": 0.001, "epochs": 3})
"""AdamW makes a step of a rounding error where a gradient is none, and the larger the rate, the more of it is seen."""


def _half_known() -> SplitData:
    data = timbre_data(18, seed=1)
    observed = np.random.default_rng(0).random(data.labels.targets.shape) < 0.6
    return SplitData(data.samples, LabelArrays(data.labels.clip_ids, data.labels.targets & observed, observed))


CASES: Mapping[str, Callable[[], TrainingRun]] = {
    "plain": lambda: tiny_run(recipe=GENTLE),
    "rows compared and mixed": lambda: tiny_run(
        recipe=GENTLE.model_copy(update={"batch_size": 10}), augment=MIXING, loss=COMPARING, ema_decay=0.9, accumulate=2
    ),
    "norms with activations": lambda: tiny_run(
        tiny_model(network=TimmParams(kind="timm", architecture="test_efficientnet")),
        GENTLE.model_copy(update={"epochs": 2, "learning_rate": 1e-4}),
        STRONG,
        trainer=TRAINER.model_copy(update={"samples": "resident"}),
    ),
    "frozen at first": lambda: tiny_run(recipe=GENTLE, freeze_epochs=1, schedule="plateau"),
    "one batch of validation": lambda: tiny_run(
        recipe=GENTLE.model_copy(update={"batch_size": 40, "windows_per_epoch": 12})
    ),
}


def trained(case: str, folder: Path, devices: int) -> Found:
    """Train, and return the loss of each step, the rows of the history, and the weights' sums."""
    run = CASES[case]()
    trainer = run.training.trainer.model_copy(update={"accelerator": "cpu", "devices": devices})
    run = replace(run, training=run.training.model_copy(update={"trainer": trainer}))
    losses: list[float] = []
    step = RecognitionTask.training_step

    def noted(task: RecognitionTask, *args: Any) -> torch.Tensor:
        loss = step(task, *args)
        losses.append(float(loss.detach()))
        return loss

    RecognitionTask.training_step = noted  # type: ignore[method-assign]
    try:
        history = fit(run, _half_known(), timbre_data(11, seed=2), folder)
    finally:
        RecognitionTask.training_step = step  # type: ignore[method-assign]
    sums = {name: float(weights.double().sum()) for name, weights in history.best_weights.items()}
    return {"losses": losses, "rows": history.rows, "sums": sums}


def main(folder: Path) -> None:
    """Train every case with two processes, of which this is one."""
    torch.set_num_threads(1)
    found = {case: trained(case, folder / str(number), 2) for number, case in enumerate(CASES)}
    if rank() == 0:
        write_json(folder / "found.json", found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
