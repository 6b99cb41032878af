"""One training: PyTorch Lightning around a run, resumed where an earlier call was interrupted."""

import logging
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping

from instrumentarium.runtime.errors import UserError
from instrumentarium.training.allocation import keep_freed_memory
from instrumentarium.training.live import LiveCurves, Sink
from instrumentarium.training.params import RecipeParams
from instrumentarium.training.recorder import History, Recorder
from instrumentarium.training.snapshot import find_snapshot
from instrumentarium.training.split_data import SplitData
from instrumentarium.training.task import MONITOR, RecognitionTask, TrainingRun

logger = logging.getLogger(__name__)

FALSE_ALARMS = ("does not have many workers", "isinstance(treespec, LeafSpec)")
"""What Lightning warns of in every run: workers that would only take the processor's cores, and its own use of torch."""


class TrainingError(UserError, ValueError):
    """The clips cannot be trained on."""


def choose_precision(recipe: RecipeParams) -> str:
    """Return Lightning's name of the precision: bf16 mixed on a GPU, 32 bit elsewhere, unless the recipe says which."""
    if recipe.precision != "auto":
        return recipe.precision
    return "bf16-mixed" if torch.cuda.is_available() else "32-true"


def fit(run: TrainingRun, train: SplitData, validation: SplitData, folder: Path, sinks: Sequence[Sink] = ()) -> History:
    """Train the run's model and return its history; `folder` keeps the snapshot that a later call goes on from.

    The `sinks` take the row of each epoch as it ends, and draw curves of them.

    The best weights are in the history; the model itself is left with the last ones.

    Raises:
        TrainingError: if a split has no clip, or validation no positive label to choose the best epoch by.
        DivergedError: if the loss is no longer finite.
    """
    for name, data in (("training", train), ("validation", validation)):
        if not (data.labels.targets & data.labels.observed).any():
            raise TrainingError(
                f"no {name} clip has an instrument; look at metrics/split.json and change `split` in params.yaml"
            )
    torch.use_deterministic_algorithms(True, warn_only=True)
    keep_freed_memory()
    recorder, recipe = Recorder(folder), run.recipe
    snapshot = find_snapshot(folder)
    if snapshot is not None:
        saved: Mapping[str, Any] = torch.load(snapshot, map_location="cpu", weights_only=True)
        recorder.load_state_dict(saved["callbacks"][recorder.state_key])
        logger.info("resuming after epoch %d of %d", len(recorder.history.rows), recipe.epochs)
    if not recorder.finished:
        trainer = pl.Trainer(
            accelerator="gpu" if torch.cuda.is_available() else "cpu",
            devices=1,
            precision=choose_precision(recipe),  # type: ignore[arg-type]
            max_epochs=recipe.epochs,
            accumulate_grad_batches=run.training.accumulate,
            callbacks=[
                EarlyStopping(MONITOR, mode="max", patience=recipe.patience, check_on_train_epoch_end=False),
                recorder,
                LiveCurves(recorder, sinks),
            ],
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        with warnings.catch_warnings():
            for words in FALSE_ALARMS:
                warnings.filterwarnings("ignore", f".*{re.escape(words)}")
            trainer.fit(
                RecognitionTask(run, train, validation),
                ckpt_path=None if snapshot is None else str(snapshot),
                weights_only=True,
            )
    return recorder.history
