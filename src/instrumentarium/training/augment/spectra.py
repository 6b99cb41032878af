"""Augmentation of mel spectra: warp, reverberation, equaliser and band limit on the bands' power, masks.

A filter whose response is smooth across a mel band acts on the band's power as a gain, so equalising there is as good as
filtering the waveform, and much cheaper. A room's late reverberation adds energy that dies away exponentially (Moorer,
"About this reverberation business", Computer Music Journal 1979); its power adds to the direct sound's, since the phases
are random. The masks, over frames and over bands, are those of SpecAugment (Park et al., Interspeech 2019).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from instrumentarium.frontends.base import SpectrumAxes
from instrumentarium.frontends.warp import warp_matrices
from instrumentarium.training.augment.base import Augmentation, Domain
from instrumentarium.training.augment.params import (
    AugmentParams,
    BandLimitParams,
    EqualiserParams,
    MaskParams,
    ReverberationParams,
    WarpParams,
)

CONTROL_POINTS = 6
"""An equaliser's curve goes through so many gains, evenly spaced over the bands."""
ROLL_OFF_DB = 60.0
"""What lies above the band limit is lowered by this; recordings of narrow bandwidth are not empty there either."""
SHORTEST_S = 0.2
"""Reverberation time of a dry room; drawn between this and the longest, evenly in its logarithm."""
TAIL_RANGE_DB = 25.0
"""The tail's level is drawn between the strongest and so much less."""
NO_WARP = WarpParams(probability=0.0, semitones=0.0)
NO_REVERBERATION = ReverberationParams(probability=0.0, longest_s=SHORTEST_S, strongest_db=0.0)
NO_EQUALISER = EqualiserParams(probability=0.0, db=0.0)
NO_BAND_LIMIT = BandLimitParams(probability=0.0, lowest_hz=500.0)
NO_MASK = MaskParams(share=0.0)


@dataclass(frozen=True)
class SpectrumDraw:
    """What is done to each of a batch's spectra."""

    warp: Tensor  # (batch,) factor by which all frequencies rise
    reverberation_s: Tensor  # (batch,) time in which the tail falls by 60 dB
    tail_gain: Tensor  # (batch,) energy of the whole tail against the direct sound's; 0 where there is none
    gain_db: Tensor  # (batch, bands) equaliser and band limit together


@dataclass(frozen=True)
class MaskDraw:
    """What is masked of each of a batch's features."""

    band_mask: Tensor  # (batch, bands) True where masked
    frame_mask: Tensor  # (batch, frames) True where masked


def _mask(batch: int, size: int, share: float, generator: torch.Generator) -> Tensor:
    """Return (batch, size), True in one stretch of up to `share` of it."""
    width = (torch.rand(batch, generator=generator) * share * size).floor()
    start = (torch.rand(batch, generator=generator) * (size - width + 1)).floor()
    position = torch.arange(size)[None, :]
    return (position >= start[:, None]) & (position < (start + width)[:, None])


def draw_spectra(
    batch: int, band_centres_hz: Tensor, params: AugmentParams, generator: torch.Generator
) -> SpectrumDraw:
    """Draw from a CPU generator; `band_centres_hz` is (bands,).

    All is drawn, also what is off, so that switching one of the four on or off leaves the draws of the others as they are.
    """
    bands = len(band_centres_hz)
    warping, equaliser = params.warp or NO_WARP, params.equaliser or NO_EQUALISER
    room, limit = params.reverberation or NO_REVERBERATION, params.band_limit or NO_BAND_LIMIT
    warped = torch.rand(batch, generator=generator) < warping.probability
    semitones = (torch.rand(batch, generator=generator) * 2 - 1) * warping.semitones
    warp = torch.where(warped, torch.pow(2.0, semitones / 12), 1.0)
    reverberant = torch.rand(batch, generator=generator) < room.probability
    longest_s = max(room.longest_s, SHORTEST_S)
    reverberation_s = SHORTEST_S * (longest_s / SHORTEST_S) ** torch.rand(batch, generator=generator)
    tail_db = room.strongest_db - TAIL_RANGE_DB * torch.rand(batch, generator=generator)
    points = (torch.rand(batch, 1, CONTROL_POINTS, generator=generator) * 2 - 1) * equaliser.db
    curve = torch.nn.functional.interpolate(points, size=bands, mode="linear", align_corners=True)[:, 0]
    equalised = torch.rand(batch, generator=generator) < equaliser.probability
    gain_db = torch.where(equalised[:, None], curve, 0.0)

    top = float(band_centres_hz[-1])
    low = min(limit.lowest_hz, top)
    edge = low * (top / low) ** torch.rand(batch, generator=generator)
    limited = torch.rand(batch, generator=generator) < limit.probability
    above = band_centres_hz[None, :] > edge[:, None]
    gain_db = gain_db - torch.where(limited[:, None] & above, ROLL_OFF_DB, 0.0)
    return SpectrumDraw(
        warp=warp,
        reverberation_s=reverberation_s,
        tail_gain=torch.where(reverberant, torch.pow(10.0, tail_db / 10), 0.0),
        gain_db=gain_db,
    )


def draw_masks(batch: int, bands: int, frames: int, params: AugmentParams, generator: torch.Generator) -> MaskDraw:
    """Draw one mask of bands and one of frames for each row, from a CPU generator."""
    return MaskDraw(
        band_mask=_mask(batch, bands, (params.band_mask or NO_MASK).share, generator),
        frame_mask=_mask(batch, frames, (params.time_mask or NO_MASK).share, generator),
    )


def apply_warp(power: Tensor, band_centres_hz: Tensor, draw: SpectrumDraw) -> Tensor:
    """Return the power, (batch, bands, frames), with every partial's and formant's frequency times its clip's factor.

    See `frontends.warp`.
    """
    return warp_matrices(band_centres_hz.to(power.device), draw.warp.to(power.device)) @ power


def apply_reverberation(power: Tensor, frame_s: float, draw: SpectrumDraw) -> Tensor:
    """Return the power, (batch, bands, frames), with a tail after everything that sounds; `frame_s` from frame to frame.

    The tail of a frame begins with the next one and falls by 60 dB within the reverberation time, in all bands alike.
    Before the first frame nothing has sounded.
    """
    frames = torch.arange(power.shape[2], device=power.device)
    lag = frames[None, :] - frames[:, None]  # (from, to)
    fall = torch.pow(10.0, -6.0 * frame_s / draw.reverberation_s.to(power.device))[:, None, None]
    tail = torch.where(lag > 0, fall ** lag.clamp(min=1), 0.0) * (1 / fall - 1)  # sums to 1 over an endless time
    direct = torch.eye(len(frames), device=power.device)
    return power @ (direct + draw.tail_gain.to(power.device)[:, None, None] * tail)


def apply_gains(power: Tensor, draw: SpectrumDraw) -> Tensor:
    """Return the equalised and band-limited power, (batch, bands, frames)."""
    return power * torch.pow(10.0, draw.gain_db.to(power.device) / 10)[:, :, None]


def apply_masks(normalised: Tensor, draw: MaskDraw) -> Tensor:
    """Return normalised features, (batch, channels, bands, frames), with 0, the training mean, where they are masked."""
    masked = draw.band_mask[:, :, None] | draw.frame_mask[:, None, :]  # (batch, bands, frames)
    return normalised.masked_fill(masked.to(normalised.device)[:, None], 0.0)


class PowerAugmentation(Augmentation):
    """Warp, reverberation, equaliser and band limit, as one augmentation of a power spectrum."""

    domain: Domain = "power"
    by_row = True

    def __init__(self, params: AugmentParams, axes: SpectrumAxes) -> None:
        self.params, self.axes = params, axes

    def draw(self, shape: torch.Size, generator: torch.Generator) -> SpectrumDraw:
        """Draw for a batch (batch, bands, frames)."""
        return draw_spectra(shape[0], self.axes.band_centres_hz, self.params, generator)

    def apply(self, x: Tensor, draw: SpectrumDraw) -> Tensor:
        """Return the augmented power."""
        warped = apply_warp(x, self.axes.band_centres_hz, draw)
        return apply_gains(apply_reverberation(warped, self.axes.frame_s, draw), draw)


class MaskAugmentation(Augmentation):
    """SpecAugment's masks over bands and frames, of normalised features."""

    domain: Domain = "features"
    by_row = True

    def __init__(self, params: AugmentParams) -> None:
        self.params = params

    def draw(self, shape: torch.Size, generator: torch.Generator) -> MaskDraw:
        """Draw for a batch (batch, channels, bands, frames)."""
        return draw_masks(shape[0], shape[-2], shape[-1], self.params, generator)

    def apply(self, x: Tensor, draw: MaskDraw) -> Tensor:
        """Return the masked features."""
        return apply_masks(x, draw)
