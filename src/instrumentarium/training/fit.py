"""One training: PyTorch Lightning around a run, resumed where an earlier call was interrupted."""

import contextlib
import logging
import re
import signal
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, EarlyStopping
from torch.utils import deterministic

from instrumentarium.runtime.errors import UserError
from instrumentarium.training.allocation import keep_freed_memory
from instrumentarium.training.compiling import compile_backbone
from instrumentarium.training.devices import build_environment, build_strategy, find_devices
from instrumentarium.training.live import LiveCurves, Sink
from instrumentarium.training.params import RecipeParams, undivided_batch
from instrumentarium.training.ranks import agree
from instrumentarium.training.recorder import History, Recorder
from instrumentarium.training.snapshot import find_snapshot
from instrumentarium.training.split_data import SplitData
from instrumentarium.training.task import MONITOR, RecognitionTask, TrainingRun
from instrumentarium.training.wholebatch import share_batches

logger = logging.getLogger(__name__)

FALSE_ALARMS = (
    "does not have many workers",
    "isinstance(treespec, LeafSpec)",
    "it is recommended to use `self.log",
    "find_unused_parameters=True was specified",
)
"""What Lightning warns of in every run: workers that would only take the processor's cores, and its own use of torch.

And in every run of several processes: metrics that are the same in all of them, and a look for unused weights."""


class TrainingError(UserError, ValueError):
    """The clips cannot be trained on."""


class DisagreementError(UserError, RuntimeError):
    """Processes of one training that would go on from different epochs."""


def choose_precision(recipe: RecipeParams, accelerator: str) -> str:
    """Return Lightning's name of the precision: bf16 mixed on a GPU, 32 bit elsewhere, unless the recipe says which."""
    if recipe.precision != "auto":
        return recipe.precision
    return "bf16-mixed" if accelerator == "gpu" else "32-true"


def fit(run: TrainingRun, train: SplitData, validation: SplitData, folder: Path, sinks: Sequence[Sink] = ()) -> History:
    """Train the run's model and return its history; `folder` keeps the snapshot that a later call goes on from.

    The `sinks` take the row of each epoch as it ends, and draw curves of them.

    Where several devices share the training, each process calls this, and has the same history in the end.

    The best weights are in the history; the model itself is left with the last ones.

    Raises:
        TrainingError: if a split has no clip, or validation no positive label to choose the best epoch by, or batches
            cannot be divided among devices.
        DevicesError: if the devices that are asked for are not there.
        ResidentError: if samples are to be kept on the device and do not fit there.
        CompilerError: if the backbone is to be compiled and there is nothing to do so with.
        DivergedError: if the loss is no longer finite.
    """
    for name, data in (("training", train), ("validation", validation)):
        if not (data.labels.targets & data.labels.observed).any():
            raise TrainingError(
                f"no {name} clip has an instrument; look at metrics/split.json and change `split` in params.yaml"
            )
    torch.use_deterministic_algorithms(True, warn_only=True)
    # nothing reads it, and to fill it takes a tenth of the spectra's time
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    keep_freed_memory()
    recipe, devices = run.recipe, find_devices(run.training.trainer)
    if (uneven := undivided_batch(recipe, devices.count, devices.num_nodes)) is not None:
        raise TrainingError(uneven)
    recorder, epochs = Recorder(folder), recipe.epochs
    snapshot = find_snapshot(folder, first=devices.rank == 0)
    if snapshot is not None:
        saved: Mapping[str, Any] = torch.load(snapshot, map_location="cpu", weights_only=True)
        recorder.load_state_dict(saved["callbacks"][recorder.state_key])
        logger.info("resuming after epoch %d of %d", len(recorder.history.rows), epochs)
        if recorder.finished:
            epochs = len(recorder.history.rows)
    if recorder.finished and devices.processes == 1:
        return recorder.history
    if devices.processes > 1:
        share_batches(run.model, gpu=devices.accelerator == "gpu")
    if run.training.trainer.compile:
        compile_backbone(run.model, gpu=devices.accelerator == "gpu")
    trainer = pl.Trainer(
        accelerator=devices.accelerator,
        devices=devices.count,
        num_nodes=devices.num_nodes,
        strategy=build_strategy(run.training.trainer, devices),
        plugins=[build_environment(devices)],
        use_distributed_sampler=False,
        precision=choose_precision(recipe, devices.accelerator),  # type: ignore[arg-type]
        max_epochs=epochs,
        accumulate_grad_batches=run.training.accumulate,
        callbacks=[
            Agreement(len(recorder.history.rows)),
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
    with warnings.catch_warnings(), ending_together(trainer):
        for words in FALSE_ALARMS:
            warnings.filterwarnings("ignore", f".*{re.escape(words)}")
        trainer.fit(
            RecognitionTask(run, train, validation),
            ckpt_path=None if snapshot is None else str(snapshot),
            weights_only=True,
        )
    return recorder.history


class Agreement(Callback):
    """See that all processes go on after the same number of epochs."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Ask the others, now that there is a way to.

        Raises:
            DisagreementError: in each of them.
        """
        if not agree(self.epochs):
            raise DisagreementError(
                f"process {trainer.global_rank} would go on after {self.epochs} epochs, and others after another number: "
                "they find other snapshots; give all of them the same INSTRUMENTARIUM_CACHE, on a disk that they share, "
                "and the same kind of device"
            )


@contextlib.contextmanager
def ending_together(trainer: pl.Trainer) -> Iterator[None]:
    """End the processes that this one has started where it fails; they would wait for it."""
    try:
        yield
    except BaseException:
        if trainer.strategy.launcher is not None:
            trainer.strategy.launcher.kill(signal.SIGTERM)
        raise
