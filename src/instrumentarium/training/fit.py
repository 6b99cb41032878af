"""The training loop: PyTorch Lightning around a RecognitionModel.

Every draw follows from (seed, purpose, epoch, batch), so a run that is interrupted and resumed at the start of an epoch
makes the draws it would have made. Validation is per clip and over the whole epoch: never an average over batches.
"""

import logging
import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, EarlyStopping
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.utils.data import DataLoader
from torchmetrics.functional.classification import binary_average_precision
from tqdm import tqdm

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.labels import LabelArrays
from instrumentarium.clips.pooling import summarise_windows
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import atomic_path
from instrumentarium.runtime.progress import progress_bar
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.training.allocation import keep_freed_memory
from instrumentarium.training.augment.params import AugmentParams
from instrumentarium.training.augment.spectra import (
    apply_gains,
    apply_masks,
    apply_reverberation,
    apply_warp,
    draw_spectra,
)
from instrumentarium.training.augment.waveforms import apply_waveforms, draw_waveforms, unite_labels
from instrumentarium.training.objectives.cross_entropy import MaskedBinaryCrossEntropy
from instrumentarium.training.params import RecipeParams, TrainingParams
from instrumentarium.training.sampling import EpochBatches, TrainingBatch

logger = logging.getLogger(__name__)

MONITOR = "validation/map_macro"
SNAPSHOT = "last.ckpt"
LONGEST_GRADIENT = 5.0
"""Norm over all weights."""

FALSE_ALARMS = ("does not have many workers", "isinstance(treespec, LeafSpec)")
"""What Lightning warns of in every run: workers that would only take the processor's cores, and its own use of torch."""


class TrainingError(UserError, ValueError):
    """The clips cannot be trained on."""


class DivergedError(UserError, FloatingPointError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Part:
    """The clips of one split: their samples and labels, row by row."""

    samples: ClipSamples
    labels: LabelArrays

    def __post_init__(self) -> None:
        """Make sure that row n is the same clip in both."""
        if tuple(self.labels.clip_ids) != self.samples.clip_ids:
            raise ValueError("samples and labels name different clips, or in another order")


@dataclass(frozen=True)
class TrainingPlan:
    """All that determines a run besides the model and the clips."""

    recipe: RecipeParams
    training: TrainingParams
    augment: AugmentParams
    window_samples: int
    hop_samples: int
    clip_score: Literal["mean", "max"]
    seed: int


@dataclass
class History:
    """One row an epoch, and the weights of the best."""

    rows: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1
    best_score: float = -math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)


def seed_dropout(seed: int, device: torch.device) -> None:
    """Seed the generator that layers draw from on `device`.

    `torch.manual_seed` would do, but where there is no GPU it notes for three other kinds of device, each time with the
    whole call stack, that they are to be seeded: 2 ms a step.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def clip_scores(model: RecognitionModel, samples: ClipSamples, plan: TrainingPlan) -> npt.NDArray[np.float32]:
    """Return the scores of each clip, (clips, instruments), of its windows' probabilities.

    Each window is heard as it is, without transpositions: enough to tell epochs apart, and three times as fast.
    """
    device = model.mean.device

    def predict(windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        return np.asarray(model(to_waveforms(torch.from_numpy(windows).to(device))).float().sigmoid().cpu())

    summary = summarise_windows(samples, plan.window_samples, plan.hop_samples, plan.recipe.batch_size, predict)
    return (summary.maximum if plan.clip_score == "max" else summary.mean).astype(np.float32)


def mean_average_precision(scores: npt.NDArray[np.float32], labels: LabelArrays) -> float:
    """Return the mean over instruments of the average precision over the observed clips of each.

    Instruments without a positive clip are left out; without any, the result is 0.
    """
    precisions = [
        float(
            binary_average_precision(
                torch.from_numpy(scores[seen, column]), torch.from_numpy(labels.targets[seen, column].astype(np.int64))
            )
        )
        for column, seen in enumerate(labels.observed.T)
        if labels.targets[seen, column].any()
    ]
    return float(np.mean(precisions)) if precisions else 0.0


class RecognitionTask(pl.LightningModule):
    """Lightning's view of training: steps, optimiser, validation."""

    def __init__(self, model: RecognitionModel, train: Part, validation: Part, plan: TrainingPlan) -> None:
        super().__init__()
        self.model, self.train_part, self.validation_part, self.plan = model, train, validation, plan
        self.loss = MaskedBinaryCrossEntropy(plan.training.label_smoothing)
        self.band_centres_hz = model.frontend.band_centres_hz
        self.losses: list[Tensor] = []

    def train_dataloader(self) -> DataLoader[TrainingBatch]:
        """Return the batches of the current epoch."""
        recipe, plan = self.plan.recipe, self.plan
        batches = EpochBatches(
            self.train_part.samples,
            self.train_part.labels.targets,
            self.train_part.labels.observed,
            windows=recipe.windows_per_epoch,
            window_samples=plan.window_samples,
            batch_size=recipe.batch_size,
            negatives_share=plan.training.negatives_share,
            seed=plan.seed,
            epoch=self.current_epoch,
        )
        workers = 4 if torch.cuda.is_available() else 0  # on the processor, workers would only take its cores
        return DataLoader(batches, batch_size=None, num_workers=workers, pin_memory=False)

    def val_dataloader(self) -> DataLoader[int]:
        """Return a single empty batch: validation walks the clips itself, at the end of the epoch."""
        return DataLoader([0], batch_size=None)  # type: ignore[arg-type]

    def augmented_logits(self, batch: TrainingBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits, targets and observed of the augmented batch."""
        generator = torch.Generator().manual_seed(
            derive_seed(self.plan.seed, "augment", self.current_epoch, batch.number)
        )
        count, model, params = len(batch.waveforms), self.model, self.plan.augment
        on_waveforms = draw_waveforms(count, params, generator)
        waveforms = apply_waveforms(to_waveforms(batch.waveforms), on_waveforms)
        targets, observed = unite_labels(batch.targets, batch.observed, on_waveforms)
        power = model.frontend.power(waveforms)
        on_spectra = draw_spectra(count, power.shape[2], self.band_centres_hz, params, generator)
        power = apply_warp(power, self.band_centres_hz, on_spectra)
        power = apply_reverberation(power, model.frontend.frame_s, on_spectra)
        power = apply_gains(power, on_spectra)
        features = model.normalise(model.frontend.decibels(power))
        return model.classify(model.embed(apply_masks(features, on_spectra))), targets, observed

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Move a training batch; the validation batch is a mere marker."""
        return batch.to(device) if isinstance(batch, TrainingBatch) else batch

    def training_step(self, batch: TrainingBatch, batch_idx: int) -> Tensor:
        """Return the loss of one batch."""
        seed_dropout(derive_seed(self.plan.seed, "dropout", self.current_epoch, batch.number), self.device)
        logits, targets, observed = self.augmented_logits(batch)
        loss: Tensor = self.loss(logits, targets, observed)
        self.losses.append(loss.detach())
        return loss

    def validation_step(self, batch: int, batch_idx: int) -> None:
        """Score every validation clip and log loss and macro average precision over all of them."""
        part, plan = self.validation_part, self.plan
        scores = clip_scores(self.model, part.samples, plan)
        probabilities = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
        targets, observed = part.labels.targets, part.labels.observed
        losses = -np.log(np.where(targets, probabilities, 1 - probabilities))
        self.log("validation/loss", float(losses[observed].mean()), batch_size=1)
        self.log(MONITOR, mean_average_precision(scores, part.labels), batch_size=1)

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Shorten long gradients. Lightning's own way refuses fused optimisers under mixed precision, even in bf16."""
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), LONGEST_GRADIENT)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW with a linear warm-up and a cosine decay over all steps."""
        recipe, training = self.plan.recipe, self.plan.training
        optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=recipe.learning_rate, weight_decay=training.weight_decay, fused=True
        )
        steps = recipe.epochs * max(recipe.windows_per_epoch // recipe.batch_size, 1)
        warm_up = max(round(steps * training.warm_up_share), 1)

        def factor(step: int) -> float:
            if step < warm_up:
                return (step + 1) / warm_up
            return 0.5 * (1 + math.cos(math.pi * min((step - warm_up) / max(steps - warm_up, 1), 1.0)))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class Recorder(Callback):
    """Keep the history and the best weights, show progress, and save a snapshot at the end of every epoch.

    EarlyStopping must have judged the epoch by then, so that a snapshot holds its patience and knows whether the run is
    over: it does so at the end of validation, since Lightning calls it after all others at the end of an epoch.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.history = History()
        self.finished = False
        self._bar: tqdm[Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        history = self.history
        return {
            "rows": history.rows,
            "best_epoch": history.best_epoch,
            "best_score": history.best_score,
            "best_weights": history.best_weights,
            "finished": self.finished,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up a snapshot's state."""
        state = dict(state_dict)
        self.finished = state.pop("finished")
        self.history = History(**state)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the progress bar at the first epoch of this process."""
        if self._bar is None:
            total = int(trainer.num_training_batches) * int(trainer.max_epochs or 0)
            self._bar = progress_bar("train", "steps", total=total, initial=trainer.global_step)

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any, **kwargs: Any) -> None:
        """Advance the progress bar."""
        if self._bar is not None:
            self._bar.update()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the epoch's figures, keep the weights if they are the best so far, and save the snapshot."""
        assert isinstance(pl_module, RecognitionTask)
        metrics = trainer.callback_metrics
        score = float(metrics[MONITOR])
        row = {
            "epoch": trainer.current_epoch,
            "train_loss": float(torch.stack(pl_module.losses).double().mean()),
            "validation_loss": float(metrics["validation/loss"]),
            "validation_map_macro": score,
        }
        pl_module.losses.clear()
        if not all(math.isfinite(value) for value in row.values()):
            raise DivergedError(f"training diverged in epoch {row['epoch']}: {row}; lower the recipe's learning_rate")
        self.history.rows.append(row)
        if score > self.history.best_score:
            self.history.best_score, self.history.best_epoch = score, trainer.current_epoch
            self.history.best_weights = {
                name: tensor.detach().cpu().clone() for name, tensor in pl_module.model.state_dict().items()
            }
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
        with atomic_path(self.folder / SNAPSHOT) as temporary:
            trainer.save_checkpoint(temporary, weights_only=False)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Close the progress bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def choose_precision(recipe: RecipeParams) -> str:
    """Return Lightning's name of the precision: bf16 mixed on a GPU, 32 bit elsewhere, unless the recipe says which."""
    if recipe.precision != "auto":
        return recipe.precision
    return "bf16-mixed" if torch.cuda.is_available() else "32-true"


def fit(model: RecognitionModel, train: Part, validation: Part, plan: TrainingPlan, folder: Path) -> History:
    """Train `model` and return its history; `folder` keeps the snapshot that a later call goes on from.

    The best weights are in the history; the model itself is left with the last ones.

    Raises:
        TrainingError: if a part has no clip, or validation no positive label to choose the best epoch by.
        DivergedError: if the loss is no longer finite.
    """
    for name, part in (("training", train), ("validation", validation)):
        if not (part.labels.targets & part.labels.observed).any():
            raise TrainingError(
                f"no {name} clip has an instrument; look at metrics/split.json and change `split` in params.yaml"
            )
    torch.use_deterministic_algorithms(True, warn_only=True)
    keep_freed_memory()
    recorder = Recorder(folder)
    snapshot = folder / SNAPSHOT
    if snapshot.exists():
        saved: Mapping[str, Any] = torch.load(snapshot, map_location="cpu", weights_only=True)
        recorder.load_state_dict(saved["callbacks"][recorder.state_key])
        logger.info("resuming after epoch %d of %d", len(recorder.history.rows), plan.recipe.epochs)
    if not recorder.finished:
        trainer = pl.Trainer(
            accelerator="gpu" if torch.cuda.is_available() else "cpu",
            devices=1,
            precision=choose_precision(plan.recipe),  # type: ignore[arg-type]
            max_epochs=plan.recipe.epochs,
            callbacks=[
                EarlyStopping(MONITOR, mode="max", patience=plan.recipe.patience, check_on_train_epoch_end=False),
                recorder,
            ],
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        task = RecognitionTask(model, train, validation, plan)
        with warnings.catch_warnings():
            for words in FALSE_ALARMS:
                warnings.filterwarnings("ignore", f".*{re.escape(words)}")
            trainer.fit(task, ckpt_path=str(snapshot) if snapshot.exists() else None, weights_only=True)
    return recorder.history
