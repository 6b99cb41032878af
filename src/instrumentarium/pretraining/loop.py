"""The loop of a pre-training: epochs of a pretext task, each validated, resumed where an earlier call was interrupted.

Every draw follows from (seed, purpose, epoch, batch), so a run that goes on at the start of an epoch makes the draws that
it would have made. Nothing is chosen by validation: the last epoch's weights are kept.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

from instrumentarium.frontends.base import FrontEnd, PowerFrontEnd
from instrumentarium.frontends.device import best_device
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.pretraining.params import PretrainingParams
from instrumentarium.pretraining.pretext import Pretext, PretextOutput
from instrumentarium.pretraining.windows import PairedWindows, SingleWindows, Unlabelled, WindowBatch
from instrumentarium.runtime.progress import progress_bar
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.training.allocation import keep_freed_memory
from instrumentarium.training.augment.base import Augmentation, Domain
from instrumentarium.training.recorder import DivergedError
from instrumentarium.training.schedule import cosine_schedule
from instrumentarium.training.snapshot import find_snapshot, write_snapshot
from instrumentarium.training.task import seed_dropout

logger = logging.getLogger(__name__)

Row = dict[str, float]
"""What is known of an epoch: its number from 1, loss and accuracy in training and validation."""


@dataclass(frozen=True)
class Regularisation:
    """What pre-training takes over from `training`."""

    weight_decay: float
    warmup_ratio: float
    max_grad_norm: float


@dataclass(frozen=True)
class PretrainingRun:
    """A pretext task and all that determines how it is trained, besides the clips."""

    pretext: Pretext
    frontend: FrontEnd
    normalise: nn.Module
    augmentations: Sequence[Augmentation]
    params: PretrainingParams
    regularisation: Regularisation
    window_samples: int
    seed: int

    def train_batches(self, data: Unlabelled, epoch: int) -> SingleWindows | PairedWindows:
        """Return the batches of an epoch."""
        return self._batches(data, self.params.windows_per_epoch, self.seed, epoch)

    def validation_batches(self, data: Unlabelled) -> SingleWindows | PairedWindows:
        """Return a window of as many validation clips as fill whole batches, or pairs: in every epoch the same."""
        return self._batches(data, len(data.samples), derive_seed(self.seed, "pretext validation"), 0)

    def _batches(self, data: Unlabelled, windows: int, seed: int, epoch: int) -> SingleWindows | PairedWindows:
        kind = PairedWindows if self.pretext.paired else SingleWindows
        return kind(
            data,
            windows=windows,
            window_samples=self.window_samples,
            batch_size=self.params.batch_size,
            seed=seed,
            epoch=epoch,
        )

    def features(self, waveforms: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return the normalised features of waveforms, augmented with draws of a generator where there is one."""

        def augmented(x: Tensor, domain: Domain) -> Tensor:
            for augmentation in self.augmentations:
                if generator is not None and augmentation.domain == domain:
                    x = augmentation.apply(x, augmentation.draw(x.shape, generator))
            return x

        waveforms = augmented(waveforms, "waveform")
        if isinstance(self.frontend, PowerFrontEnd):
            found = self.frontend.compress(augmented(self.frontend.power(waveforms), "power"))
        else:
            found = self.frontend(waveforms)
        normalised: Tensor = self.normalise(found)
        return augmented(normalised, "features")


def pretrain(run: PretrainingRun, train: Unlabelled, validation: Unlabelled, folder: Path) -> list[Row]:
    """Train the run's pretext task and return a row an epoch; `folder` keeps the snapshot that a later call goes on from.

    Raises:
        TooFewRecordingsError: if pairs are asked for and a split has fewer than two recordings.
        DivergedError: if the loss is no longer finite.
    """
    torch.use_deterministic_algorithms(True, warn_only=True)
    keep_freed_memory()
    device, params = best_device(), run.params
    for module in (run.pretext, run.frontend, run.normalise):
        module.to(device)
    run.pretext.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    batches = len(run.train_batches(train, 0))
    optimizer = torch.optim.AdamW(
        run.pretext.parameters(), lr=params.learning_rate, weight_decay=run.regularisation.weight_decay, fused=True
    )
    schedule = cosine_schedule(optimizer, params.epochs * batches, run.regularisation.warmup_ratio)
    rows = _resumed(folder, run.pretext, optimizer, schedule)
    if rows:
        logger.info("resuming after epoch %d of %d", len(rows), params.epochs)
    validation_batches = run.validation_batches(validation)
    with progress_bar("pretrain", "batches", total=params.epochs * batches, initial=len(rows) * batches) as bar:
        for epoch in range(len(rows), params.epochs):
            found = []
            for output in _train_epoch(run, optimizer, schedule, run.train_batches(train, epoch), epoch, device):
                found.append(output)
                bar.update()
            row = {"epoch": epoch + 1, **_means("train", found)}
            row |= _means("validation", _validate(run, validation_batches, device))
            if not all(math.isfinite(value) for value in row.values()):
                raise DivergedError(
                    f"pre-training diverged in epoch {row['epoch']}: {row}; lower pretraining.learning_rate"
                )
            rows.append(row)
            logger.info(
                "epoch %d of %d: loss %.4f, validation loss %.4f, accuracy %.4f",
                *(row["epoch"], params.epochs),
                *(row["train_loss"], row["validation_loss"], row["validation_accuracy"]),
            )
            with write_snapshot(folder) as temporary:
                state = {"pretext": run.pretext, "optimizer": optimizer, "schedule": schedule}
                torch.save(
                    {"rows": rows, **{name: each.state_dict() for name, each in state.items()}},  # type: ignore[attr-defined]
                    temporary,
                )
    return rows


def _resumed(folder: Path, pretext: Pretext, optimizer: torch.optim.Optimizer, schedule: LRScheduler) -> list[Row]:
    """Put everything into the state of an interrupted run's snapshot and return its rows; none without a snapshot."""
    snapshot = find_snapshot(folder)
    if snapshot is None:
        return []
    saved: dict[str, Any] = torch.load(snapshot, map_location="cpu", weights_only=True)
    pretext.load_state_dict(saved["pretext"])
    optimizer.load_state_dict(saved["optimizer"])
    schedule.load_state_dict(saved["schedule"])
    rows: list[Row] = saved["rows"]
    return rows


def _loaded(batches: SingleWindows | PairedWindows) -> DataLoader[WindowBatch]:
    workers = 4 if torch.cuda.is_available() else 0  # on the processor, workers would only take its cores
    return DataLoader(batches, batch_size=None, num_workers=workers)


def _output(run: PretrainingRun, features: Tensor, draw: Any) -> PretextOutput:
    with torch.autocast(features.device.type, dtype=torch.bfloat16, enabled=features.device.type == "cuda"):
        output: PretextOutput = run.pretext(features, draw)
    return output


def _train_epoch(
    run: PretrainingRun,
    optimizer: torch.optim.Optimizer,
    schedule: LRScheduler,
    batches: SingleWindows | PairedWindows,
    epoch: int,
    device: torch.device,
) -> Iterator[PretextOutput]:
    """Take an epoch's steps and yield what each batch gave."""
    run.pretext.train()
    for batch in _loaded(batches):
        generator = torch.Generator().manual_seed(derive_seed(run.seed, "pretext", epoch, batch.number))
        seed_dropout(derive_seed(run.seed, "pretext dropout", epoch, batch.number), device)
        with torch.no_grad():
            features = run.features(to_waveforms(batch.waveforms.to(device, non_blocking=True)), generator)
        output = _output(run, features, run.pretext.draw(len(features), generator))
        optimizer.zero_grad()
        output.loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(run.pretext.parameters(), run.regularisation.max_grad_norm)
        optimizer.step()
        schedule.step()
        yield PretextOutput(output.loss.detach(), output.accuracy.detach())


@torch.no_grad()
def _validate(run: PretrainingRun, batches: SingleWindows | PairedWindows, device: torch.device) -> list[PretextOutput]:
    """Return what each validation batch gives, without augmentation and in every epoch with the same draws."""
    run.pretext.eval()
    found = []
    for batch in _loaded(batches):
        generator = torch.Generator().manual_seed(derive_seed(run.seed, "pretext validation", batch.number))
        features = run.features(to_waveforms(batch.waveforms.to(device)), None)
        found.append(_output(run, features, run.pretext.draw(len(features), generator)))
    return found


def _means(part: str, outputs: Sequence[PretextOutput]) -> Row:
    """Return mean loss and accuracy of batches, which are all of one size."""
    return {
        f"{part}_loss": float(torch.stack([each.loss for each in outputs]).double().mean()),
        f"{part}_accuracy": float(torch.stack([each.accuracy for each in outputs]).double().mean()),
    }
