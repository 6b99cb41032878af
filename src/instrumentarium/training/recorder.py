"""What is kept of a run as it goes: one row an epoch, the best weights, and a snapshot to resume from."""

import logging
import math
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from tqdm import tqdm

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.progress import progress_bar
from instrumentarium.training.finetuning import plain_weights
from instrumentarium.training.snapshot import SNAPSHOT, write_snapshot
from instrumentarium.training.task import LOSS_LOGGED, MONITOR, RecognitionTask

logger = logging.getLogger(__name__)

TERM = "train_loss_"
"""What a column of the history begins with that holds one term of the loss, where it has several."""


class DivergedError(UserError, FloatingPointError):
    """The loss is no longer a number."""


Row = dict[str, float]
"""What is known of an epoch: its number from 0, losses, and what validation found."""


@dataclass
class History:
    """One row an epoch, and the weights of the best."""

    rows: list[Row] = field(default_factory=list)
    best_epoch: int = -1
    best_score: float = -math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    seconds: float = 0.0  # that the epochs took, of all parts of an interrupted run


def _term_means(terms: list[dict[str, Tensor]]) -> dict[str, float]:
    """Return each term's mean over an epoch's batches, by TERM and its name; nothing where there is but one."""
    names = list(terms[0]) if len(terms[0]) > 1 else []
    return {f"{TERM}{name}": float(torch.stack([each[name] for each in terms]).double().mean()) for name in names}


class Recorder(Callback):
    """Keep the history and the best weights, show progress, and save a snapshot at the end of every epoch.

    EarlyStopping must have seen the epoch by then, so that a snapshot holds its patience and knows whether the run is
    over: it does so at the end of validation, since Lightning calls it after all others at the end of an epoch.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.history = History()
        self.finished = False
        self._started = monotonic()
        self._bar: tqdm[Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        history = self.history
        return {
            "rows": history.rows,
            "best_epoch": history.best_epoch,
            "best_score": history.best_score,
            "best_weights": history.best_weights,
            "seconds": history.seconds,
            "finished": self.finished,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up a snapshot's state."""
        state = dict(state_dict)
        self.finished = state.pop("finished")
        self.history = History(**state)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the progress bar at the first epoch of this process, and look at the clock."""
        self._started = monotonic()
        if self._bar is None and trainer.is_global_zero:
            batches = int(trainer.num_training_batches)
            total, done = batches * int(trainer.max_epochs or 0), batches * trainer.current_epoch
            self._bar = progress_bar("train", "batches", total=total, initial=done)

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        """Advance the progress bar."""
        if self._bar is not None:
            self._bar.update()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the epoch's metrics, keep the weights if they are the best so far, and save the snapshot."""
        assert isinstance(pl_module, RecognitionTask)
        metrics = trainer.callback_metrics
        score = float(metrics[MONITOR])
        row = {
            "epoch": trainer.current_epoch,
            "train_loss": float(torch.stack(pl_module.losses).double().mean()),
            "validation_loss": float(metrics[LOSS_LOGGED]),
            "validation_map_macro": score,
        }
        row |= _term_means(pl_module.terms)
        pl_module.losses.clear()
        pl_module.terms.clear()
        if not all(math.isfinite(value) for value in row.values()):
            raise DivergedError(f"training diverged in epoch {row['epoch']}: {row}; lower the recipe's learning_rate")
        self.history.rows.append(row)
        self.history.seconds += monotonic() - self._started
        if score > self.history.best_score:
            self.history.best_score, self.history.best_epoch = score, trainer.current_epoch
            self.history.best_weights = plain_weights(pl_module.scored_model)
        self.finished = trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs
        logger.info(
            "epoch %d of %d: loss %.4f, validation loss %.4f, mAP %.4f%s",
            trainer.current_epoch + 1,
            trainer.max_epochs,
            row["train_loss"],
            row["validation_loss"],
            score,
            " (best)" if self.history.best_epoch == trainer.current_epoch else "",
        )
        if not trainer.is_global_zero:  # all take part, and the first one writes
            trainer.save_checkpoint(self.folder / SNAPSHOT, weights_only=False)
            return
        with write_snapshot(self.folder) as temporary:
            trainer.save_checkpoint(temporary, weights_only=False)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Close the progress bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
