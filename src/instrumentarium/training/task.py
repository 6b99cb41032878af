"""Lightning's view of training: steps, validation, optimiser.

Every draw follows from (seed, purpose, epoch, batch), so a run that is interrupted and resumed at the start of an epoch
makes the draws it would have made. Validation is per clip and over the whole epoch: never an average over batches. Where
several processes share a training, all of them draw the same batches, and each computes a part of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader

from instrumentarium.clips.levels import window_weights
from instrumentarium.clips.params import WindowsParams
from instrumentarium.clips.pooling import loudest_levels, pool_windows, window_levels
from instrumentarium.frontends.base import PowerFrontEnd
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.models.heads.base import HeadOutput
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.models.sideinputs import UNKNOWN
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.training.augment.base import Augmentation, Domain, draw_of
from instrumentarium.training.finetuning import keep_still
from instrumentarium.training.objectives.base import Objective
from instrumentarium.training.params import RecipeParams, TrainingParams
from instrumentarium.training.ranks import gather_output, highest, own_batches, own_rows
from instrumentarium.training.resident import ResidentSamples
from instrumentarium.training.sampling import EpochBatches, TrainingBatch
from instrumentarium.training.schedule import averaged_model, build_optimizer, build_schedule
from instrumentarium.training.sideinputs import dropped, single_windows
from instrumentarium.training.sources import Sources
from instrumentarium.training.split_data import SplitData
from instrumentarium.training.validation import (
    ValidationBatch,
    ValidationWindows,
    cross_entropy,
    mean_average_precision,
)

MONITOR = "validation/map_macro"
LOSS_LOGGED = "validation/loss"


@dataclass(frozen=True)
class TrainingRun:
    """A model and all that determines how it is trained, besides the clips."""

    model: RecognitionModel
    objective: Objective
    augmentations: Sequence[Augmentation]
    recipe: RecipeParams
    training: TrainingParams
    windows: WindowsParams
    sample_rate_hz: int
    seed: int

    @property
    def window_samples(self) -> int:
        """Samples of a window."""
        return round(self.windows.length_s * self.sample_rate_hz)

    @property
    def hop_samples(self) -> int:
        """Samples from one validation window to the next."""
        return round(self.windows.hop_s * self.sample_rate_hz)

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of an epoch; the last one may have fewer batches than the others."""
        batches = max(self.recipe.windows_per_epoch // self.recipe.batch_size, 1)
        return -(-batches // self.training.accumulate)


def seed_dropout(seed: int, device: torch.device) -> None:
    """Seed the generator that layers draw from on `device`.

    `torch.manual_seed` would do, but where there is no GPU it notes for three other kinds of device, each time with the
    whole call stack, that they are to be seeded: 2 ms a step.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


class RecognitionTask(pl.LightningModule):
    """Steps, optimiser and validation of a run."""

    def __init__(self, run: TrainingRun, train: SplitData, validation: SplitData) -> None:
        super().__init__()
        self.run, self.model, self.objective = run, run.model, run.objective
        self.train_data, self.validation_data = train, validation
        decay = run.training.ema_decay
        self.averaged = None if decay is None else averaged_model(run.model, decay)
        self.trained = [weights for weights in run.model.backbone.parameters() if weights.requires_grad]
        self.plateau: ReduceLROnPlateau | None = None
        self.resumed_plateau: dict[str, Any] | None = None
        self.validation_windows = ValidationWindows(
            validation.samples, run.window_samples, run.hop_samples, run.recipe.batch_size
        )
        cut, quietest_db = (run.window_samples, run.hop_samples), run.windows.quietest_db
        self.loudest_db = loudest_levels(train.samples, *cut)
        self.sources = self._sources() if any(each.domain == "sources" for each in run.augmentations) else None
        levels, owners = window_levels(validation.samples, *cut)
        self.validation_weights = window_weights(levels, quietest_db, owners)
        self.resident: ResidentSamples | None = None  # once there is a device
        self.losses: list[Tensor] = []  # of this epoch's batches
        self.terms: list[dict[str, Tensor]] = []
        self.found: list[tuple[Tensor, Tensor]] = []  # of this epoch's validation: windows' numbers and scores

    @property
    def scored_model(self) -> RecognitionModel:
        """The model that is validated and kept: the averaged one where there is one."""
        if self.averaged is None:
            return self.model
        averaged = self.averaged.module
        assert isinstance(averaged, RecognitionModel)
        return averaged

    def on_train_epoch_start(self) -> None:
        """Keep what is not trained as it is, statistics of norms included: parts of the backbone, or at first all of it."""
        epochs = self.run.training.freeze_epochs
        if epochs:
            frozen = self.current_epoch < epochs
            for weights in self.trained:
                weights.requires_grad_(not frozen)
            self.model.backbone.train(not frozen)
        keep_still(self.model.backbone)

    def train_dataloader(self) -> DataLoader[TrainingBatch]:
        """Return the batches of the current epoch."""
        run, resident = self.run, self.run.training.trainer.samples == "resident"
        if resident and self.resident is None:
            self.resident = ResidentSamples(self.train_data.samples, self.device, run.window_samples)
        batches = EpochBatches(
            self.train_data.samples,
            self.train_data.labels.targets,
            self.train_data.labels.observed,
            self.loudest_db,
            windows=run.recipe.windows_per_epoch,
            window_samples=run.window_samples,
            quietest_db=run.windows.quietest_db,
            batch_size=run.recipe.batch_size,
            negatives_share=run.training.negatives_share,
            balanced=run.training.sampling == "balanced",
            seed=run.seed,
            epoch=self.current_epoch,
            sources=self.sources,
            side=self.train_data.side,
            resident=self.resident,
        )
        # on the processor, workers would only take its cores
        workers = 4 if self.device.type == "cuda" and not resident else 0
        return DataLoader(batches, batch_size=None, num_workers=workers, pin_memory=False)

    def _sources(self) -> Sources:
        """Return what finds the windows that training windows are put together with; validation's never are."""
        run, data = self.run, self.train_data
        return Sources(
            run.augmentations,
            data.samples,
            data.labels.targets,
            data.labels.observed,
            data.traits,
            loudest_db=self.loudest_db,
            window_samples=run.window_samples,
            quietest_db=run.windows.quietest_db,
            seed=run.seed,
        )

    def val_dataloader(self) -> DataLoader[ValidationBatch]:
        """Return this process's share of every window of every validation clip, in batches."""
        return DataLoader(self.validation_windows, batch_size=None, sampler=own_batches(len(self.validation_windows)))

    def augmented_output(self, batch: TrainingBatch) -> tuple[HeadOutput, Tensor, Tensor]:
        """Return output, targets and observed of the augmented batch, output that of this process's rows."""
        generator = torch.Generator().manual_seed(
            derive_seed(self.run.seed, "augment", self.current_epoch, batch.number)
        )
        waveforms, targets, observed = to_waveforms(batch.waveforms), batch.targets, batch.observed
        for layer in batch.layers:  # drawn where they were read
            sources = torch.cat([waveforms[:, None], to_waveforms(layer.waveforms)], dim=1)
            waveforms = layer.augmentation.apply(sources, layer.draw)
            targets, observed = layer.augmentation.unite(
                torch.cat([targets[:, None], layer.targets], dim=1),
                torch.cat([observed[:, None], layer.observed], dim=1),
                layer.draw,
            )

        draws: list[tuple[Augmentation, Any]] = []
        batch_size = len(waveforms)
        own = own_rows(batch_size)

        def augmented(x: Tensor, domain: Domain) -> Tensor:
            nonlocal targets, observed
            for augmentation in self.run.augmentations:
                if augmentation.domain == domain:
                    draw = augmentation.draw(torch.Size((batch_size, *x.shape[1:])), generator)
                    x = augmentation.apply(x, draw if len(x) == batch_size else draw_of(draw, own))
                    draws.append((augmentation, draw))
                    targets, observed = augmentation.unite(targets, observed, draw)
            return x

        waveforms = augmented(waveforms, "waveform")
        alone = all(each.by_row for each in self.run.augmentations if each.domain in {"power", "features"})
        if alone:  # no row of this process's becomes a mixture with another's
            waveforms = waveforms[own]
        frontend = self.model.frontend
        if isinstance(frontend, PowerFrontEnd):
            features = frontend.compress(augmented(frontend.power(waveforms), "power"))
        else:
            features = frontend(waveforms)
        normalised = augmented(self.model.normalise(features), "features")
        side = self._side(batch, draws)
        output = self.model.classify(normalised if alone else normalised[own], None if side is None else side[own])
        return output, targets, observed

    def _side(self, batch: TrainingBatch, draws: Sequence[tuple[Augmentation, Any]]) -> Tensor | None:
        """Return the side inputs of each window as the model takes them, (batch, inputs); None where it has none."""
        if batch.side is None:
            return None
        seed = derive_seed(self.run.seed, "side inputs", self.current_epoch, batch.number)
        single = single_windows(len(batch.side), batch.layers, draws).to(batch.side.device)
        kept = dropped(batch.side, self.run.training.side_unknown_share, torch.Generator().manual_seed(seed))
        return torch.where(single[:, None], kept, UNKNOWN)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Move a batch."""
        return batch.to(device)

    def training_step(self, batch: TrainingBatch, batch_idx: int) -> Tensor:
        """Return the loss of one batch, of all its rows."""
        seed_dropout(derive_seed(self.run.seed, "dropout", self.current_epoch, batch.number), self.device)
        output, targets, observed = self.augmented_output(batch)
        terms = self.objective(gather_output(output), targets, observed)
        loss = torch.stack(list(terms.values())).sum()
        self.losses.append(loss.detach())
        self.terms.append({name: term.detach() for name, term in terms.items()})
        return loss

    def validation_step(self, batch: ValidationBatch, batch_idx: int) -> None:
        """Score one batch of windows, each as it is: without test-time pitch shifts, a third of the work."""
        logits = self.scored_model(to_waveforms(batch.waveforms))
        self.found.append((batch.numbers, logits.float().sigmoid()))

    def on_validation_epoch_end(self) -> None:
        """Log loss and macro average precision over all validation clips, whichever device scored their windows."""
        numbers, scores = (torch.cat(parts) for parts in zip(*self.found, strict=True))
        self.found.clear()
        owners, labels = self.validation_windows.owners, self.validation_data.labels
        windows = scores.new_zeros(len(owners), scores.shape[1])  # no score is lower
        windows[numbers] = scores
        found = highest(windows).cpu().numpy()  # a window that two processes scored counts once
        pooled = pool_windows(found, self.run.windows.clip_score, self.validation_weights, owners)
        clips = pooled.astype(np.float32)
        self.log(LOSS_LOGGED, cross_entropy(clips, labels), batch_size=1)
        score = mean_average_precision(clips, labels)
        self.log(MONITOR, score, batch_size=1)
        # Here and not by Lightning, which looks at the epoch after its snapshot is saved: a resumed run would miss it.
        if self.plateau is not None:
            self.plateau.step(score)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Take a step, and let the averaged weights follow."""
        super().optimizer_step(*args, **kwargs)
        if self.averaged is not None:
            self.averaged.update_parameters(self.model)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what the plateau schedule has seen."""
        if self.plateau is not None:
            checkpoint["plateau"] = self.plateau.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take it up again once there is an optimiser."""
        self.resumed_plateau = checkpoint.get("plateau")

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradient's norm. Lightning's own way refuses fused optimisers under mixed precision, even in bf16."""
        weights = [*self.model.parameters(), *self.objective.parameters()]
        torch.nn.utils.clip_grad_norm_(weights, self.run.training.max_grad_norm)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig | torch.optim.Optimizer:
        """Return the optimiser, and its schedule by the step where it has one."""
        run, training = self.run, self.run.training
        optimizer = build_optimizer(
            self.model,
            run.recipe.learning_rate,
            training.weight_decay,
            decay_norms=training.decay_norms,
            layer_decay=training.layer_decay,
            objective=self.objective,
        )
        steps = run.recipe.epochs * run.steps_per_epoch
        schedule = build_schedule(training.schedule, optimizer, steps, training.warmup_ratio)
        if schedule is None:
            self.plateau = ReduceLROnPlateau(
                optimizer, mode="max", factor=training.plateau_factor, patience=training.plateau_patience - 1
            )
            if self.resumed_plateau is not None:
                self.plateau.load_state_dict(self.resumed_plateau)
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
