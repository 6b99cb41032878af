"""Curves while a model trains: after every epoch, for whoever looks on. Nothing of them takes part in training.

The rows of plots/train are written anew after each epoch, so that `dvc plots show` and DVC's extension of VS Code draw
what there is of them. Beside them, by `training.curves`, DVCLive keeps one file a metric in the folder dvclive, or
TensorBoard an event file there. A run that goes on after an interruption begins both anew with the epochs that it had.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import write_json
from instrumentarium.training.params import Curves
from instrumentarium.training.recorder import TERM, Recorder, Row


class CurvesError(UserError, ImportError):
    """What is to draw the curves is not installed."""


class Sink(Protocol):
    """What takes the row of one epoch after the other."""

    def add(self, row: Row) -> None:
        """Take the row of the next epoch."""

    def close(self) -> None:
        """Take no more."""


def write_plot_rows(rows: Sequence[Row], folder: Path) -> None:
    """Write the rows of the training curves as DVC draws them, one file a plot; epochs are counted from 1.

    Where the loss has several terms, each is a part of its own beside the whole of train.
    """
    parts = {"train": "train_loss", "validation": "validation_loss"}
    parts |= {f"train, {key.removeprefix(TERM)}": key for key in rows[0] if key.startswith(TERM)}
    loss = [
        {"epoch": int(row["epoch"]) + 1, "part": part, "loss": round(row[key], 6)}
        for row in rows
        for part, key in parts.items()
    ]
    precision = [{"epoch": int(row["epoch"]) + 1, "map_macro": round(row["validation_map_macro"], 6)} for row in rows]
    write_json(folder / "loss.json", loss)
    write_json(folder / "map_macro.json", precision)


class PlotRows:
    """The rows of DVC's plots, written anew with each epoch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Write both files anew."""
        self.rows.append(row)
        write_plot_rows(self.rows, self.folder)

    def close(self) -> None:
        """Leave the files as they are."""


class DvcLiveFiles:
    """DVCLive's folder: plots/metrics/<metric>.tsv, and the last values in metrics.json.

    It makes no experiment, no report and no dvc.yaml of its own, whose metrics would be columns of `dvc metrics show`.
    """

    def __init__(self, folder: Path) -> None:
        from dvclive import Live  # imports DVC

        self.live = Live(str(folder), report=None, save_dvc_exp=False, dvcyaml=None)

    def add(self, row: Row) -> None:
        """Log every value, by epoch from 0."""
        self.live.step = int(row["epoch"])
        for name, value in row.items():
            if name != "epoch":
                self.live.log_metric(name, value)
        self.live.make_summary()

    def close(self) -> None:
        """End the log."""
        self.live.end()


class TensorBoardEvents:
    """An event file, for `tensorboard --logdir dvclive`."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise CurvesError(
                "training.curves is tensorboard, which is not installed; pip install 'instrumentarium[tensorboard]', or "
                "set training.curves to dvclive or none"
            ) from error
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
        self.writer = SummaryWriter(str(folder))

    def add(self, row: Row) -> None:
        """Log every value, by epoch from 0."""
        for name, value in row.items():
            if name != "epoch":
                self.writer.add_scalar(name, value, int(row["epoch"]))
        self.writer.flush()

    def close(self) -> None:
        """End the file."""
        self.writer.close()


def build_sinks(kind: Curves, plots: Path, live: Path) -> list[Sink]:
    """Return what draws the curves of a run: the rows of plots in `plots`, and in `live` what `kind` names.

    Raises:
        CurvesError: if it is not installed.
    """
    sinks: list[Sink] = [PlotRows(plots)]
    match kind:
        case "dvclive":
            sinks.append(DvcLiveFiles(live))
        case "tensorboard":
            sinks.append(TensorBoardEvents(live))
        case "none":
            pass
    return sinks


class LiveCurves(Callback):
    """Hand each epoch's row from the recorder, which must come before, to the sinks; first those of an earlier process."""

    def __init__(self, recorder: Recorder, sinks: Sequence[Sink]) -> None:
        self.recorder, self.sinks = recorder, sinks

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take up the epochs of an interrupted run."""
        for row in self.recorder.history.rows:
            self._add(row)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the epoch that has ended."""
        self._add(self.recorder.history.rows[-1])

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Close the sinks."""
        for sink in self.sinks:
            sink.close()

    def _add(self, row: Row) -> None:
        for sink in self.sinks:
            sink.add(row)
