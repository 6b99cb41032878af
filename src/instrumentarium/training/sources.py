"""The other windows that a batch's windows are put together with: partners of sums and concatenations, and backgrounds.

They come from all training clips, so they are read with the batch, by whichever process reads it. Which, where in them and
how loud follows from (seed, purpose, epoch, batch) alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.levels import levels_db
from instrumentarium.clips.windows import cut_window
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.training.augment.background import SOURCES, Background, BackgroundDraw
from instrumentarium.training.augment.base import Augmentation
from instrumentarium.training.augment.composition import Composition, CompositionDraw
from instrumentarium.training.partners import ClipTraits, PartnerPool, PartnersError

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Layer:
    """What is put together with a batch by one augmentation; the batch's own windows come first and are not repeated."""

    augmentation: Augmentation
    draw: CompositionDraw | BackgroundDraw
    waveforms: Tensor  # (batch, sources - 1, samples) int16
    targets: Tensor  # (batch, sources - 1, instruments) float32 in {0, 1}
    observed: Tensor  # (batch, sources - 1, instruments) float32 in {0, 1}

    def to(self, device: torch.device) -> "Layer":
        """Return the layer on `device`; the draw stays on the processor."""
        return replace(
            self,
            waveforms=self.waveforms.to(device, non_blocking=True),
            targets=self.targets.to(device, non_blocking=True),
            observed=self.observed.to(device, non_blocking=True),
        )


def read_window(samples: ClipSamples, clip: int, position: float, length: int) -> npt.NDArray[np.int16]:
    """Return (length,) samples of a clip; a position of 0 is its first window, and 1 its last."""
    whole = samples.read(clip)
    return cut_window(whole, int(position * max(len(whole) - length + 1, 1)), length)


class Sources:
    """Finds and reads the other windows of each batch.

    Args:
        augmentations: of which those of domain `sources` are taken.
        samples: of the training clips.
        targets: (clips, instruments).
        observed: (clips, instruments).
        traits: what decides which clips go together; None where nothing is put together.
        loudest_db: level of each clip's loudest window, (clips,).
        window_samples: of a window.
        quietest_db: so far below its clip's loudest a window, or its part in a sequence, shows no instrument for sure.
        seed: of the training.

    Raises:
        PartnersError: if no clip has a partner, or there is no clip without any instrument to be a background.
    """

    def __init__(
        self,
        augmentations: Sequence[Augmentation],
        samples: ClipSamples,
        targets: BoolArray,
        observed: BoolArray,
        traits: ClipTraits | None,
        *,
        loudest_db: npt.NDArray[np.float64],
        window_samples: int,
        quietest_db: float,
        seed: int,
    ) -> None:
        self.samples, self.targets, self.observed = samples, targets, observed
        self.loudest_db, self.window_samples, self.quietest_db = loudest_db, window_samples, quietest_db
        self.seed = seed
        self.compositions = [each for each in augmentations if isinstance(each, Composition)]
        self.backgrounds = [each for each in augmentations if isinstance(each, Background)]
        self.negatives = np.flatnonzero(~targets.any(axis=1) & observed.all(axis=1))
        if self.backgrounds and not len(self.negatives):
            raise PartnersError(
                "the augmentation `background` takes clips without any instrument, and no training clip is one; use corpus "
                "esc50 or clips of your own in which nothing plays, or leave `background` out"
            )
        rules = {params.partners for each in self.compositions for params in (each.sum, each.sequence) if params}
        if rules and traits is None:
            raise ValueError("clips are put together by their traits, and there are none")
        self.pools = {rule: PartnerPool(rule, traits, targets & observed) for rule in sorted(rules) if traits}

    def layers(self, clips: npt.NDArray[np.int_], epoch: int, number: int) -> tuple[Layer, ...]:
        """Return what is put together with a batch: its clips, (batch,), and its place in the epoch."""
        found = []
        for purpose, augmentations in (("composition", self.compositions), ("background", self.backgrounds)):
            for augmentation in augmentations:
                rng = np.random.default_rng(derive_seed(self.seed, f"{purpose} windows", epoch, number))
                generator = torch.Generator().manual_seed(derive_seed(self.seed, purpose, epoch, number))
                if isinstance(augmentation, Composition):
                    found.append(self._partners(augmentation, clips, generator, rng))
                else:
                    found.append(self._backgrounds(augmentation, len(clips), generator, rng))
        return tuple(found)

    def _partners(
        self,
        composition: Composition,
        clips: npt.NDArray[np.int_],
        generator: torch.Generator,
        rng: np.random.Generator,
    ) -> Layer:
        draw = composition.draw(torch.Size((len(clips), composition.most, self.window_samples)), generator)
        negative, chosen = np.isin(clips, self.negatives), []
        for row, clip in enumerate(clips):
            params = composition.sequence if draw.sequence[row] else composition.sum
            wanted = 0 if negative[row] else int(draw.count[row]) - 1  # a negative stays one
            partners = (
                self.pools[params.partners].draw(int(clip), wanted, params.instruments, rng)
                if wanted and params
                else []
            )
            chosen.append(partners)
        draw = draw.fewer(torch.tensor([1 + len(partners) for partners in chosen]))
        layer = self._empty(composition, draw, len(clips), composition.most - 1)
        for row, partners in enumerate(chosen):
            for place, partner in enumerate(partners):
                window = read_window(self.samples, partner, rng.random(), self.window_samples)
                part = part_of(window, draw, row, place + 1)
                self._label(layer, row, place, partner, part)
                layer.waveforms[row, place] = torch.from_numpy(window)
        return layer

    def _backgrounds(
        self, background: Background, batch: int, generator: torch.Generator, rng: np.random.Generator
    ) -> Layer:
        draw = background.draw(torch.Size((batch, SOURCES, self.window_samples)), generator)
        layer = self._empty(background, draw, batch, SOURCES - 1)
        found = np.zeros(batch, dtype=np.bool_)
        for row in draw.gain.nonzero()[:, 0].tolist():
            clip = int(self.negatives[rng.integers(len(self.negatives))])
            window = read_window(self.samples, clip, rng.random(), self.window_samples)
            found[row] = not self._too_soft(clip, window)  # silence between sounds is no background
            layer.waveforms[row, 0] = torch.from_numpy(window)
        return replace(layer, draw=draw.only(torch.from_numpy(found)))

    def _empty(
        self, augmentation: Augmentation, draw: CompositionDraw | BackgroundDraw, batch: int, others: int
    ) -> Layer:
        """Return a layer of silence, in which everything is known to be absent."""
        labels = (batch, others, self.targets.shape[1])
        waveforms = torch.zeros(batch, others, self.window_samples, dtype=torch.int16)
        return Layer(augmentation, draw, waveforms, torch.zeros(labels), torch.ones(labels))

    def _label(self, layer: Layer, row: int, place: int, clip: int, part: npt.NDArray[np.int16]) -> None:
        hidden = self.targets[clip] & self._too_soft(clip, part)
        layer.targets[row, place] = torch.from_numpy(self.targets[clip] & ~hidden)
        layer.observed[row, place] = torch.from_numpy(self.observed[clip] & ~hidden)

    def _too_soft(self, clip: int, window: npt.NDArray[np.int16]) -> bool:
        return bool(self.loudest_db[clip] - levels_db(window[None])[0] >= self.quietest_db)


Window = TypeVar("Window", npt.NDArray[np.int16], Tensor)


def part_of(window: Window, draw: CompositionDraw, row: int, source: int) -> Window:
    """Return what is left of a source's window in its row: all of it, but in a sequence."""
    if not draw.sequence[row] or draw.count[row] < 2:
        return window
    starts = [0.0, *draw.bounds[row].tolist()]
    first, last = (round(bound * len(window)) for bound in starts[source : source + 2])
    return window[first:last]
