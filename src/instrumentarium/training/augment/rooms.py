"""Reverberation by impulse response: the waveform convolved with a room's answer to a click, made or measured.

A made one is noise that dies away exponentially behind the direct sound (Moorer, "About this reverberation business",
Computer Music Journal 1979). A measured one begins with its peak, the direct sound, so that nothing comes later than it
did.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from instrumentarium.runtime.errors import UserError
from instrumentarium.training.augment.base import (
    Augmentation,
    Domain,
    change_rows,
    draw_seed,
    happens,
    log_uniform,
    uniform,
)
from instrumentarium.training.augment.params import ImpulseResponseParams

SHORTEST_S = 0.2
"""Reverberation time of a dry room."""
TAIL_RANGE_DB = 25.0
"""The tail's level is drawn between the strongest and so much less."""
LONGEST_MEASURED_S = 10.0
SUFFIXES = (".wav", ".flac")


class ImpulseResponseError(UserError, ValueError):
    """A folder of impulse responses that cannot be used."""


def response_files(folder: Path) -> list[Path]:
    """Return the WAV and FLAC files below a folder, by name.

    Raises:
        ImpulseResponseError: if the folder does not exist or has none.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    if not files:
        what = "has no WAV or FLAC file" if folder.is_dir() else "is no folder that exists"
        raise ImpulseResponseError(f"{folder} {what}; name a folder of impulse responses, or null for made ones")
    return files


def read_responses(folder: Path, sample_rate_hz: int) -> list[npt.NDArray[np.float32]]:
    """Return the impulse responses of a folder, first channels at the sample rate, from their peak on, which is 1.

    Raises:
        ImpulseResponseError: if there are none, or one cannot be read, is silent or longer than LONGEST_MEASURED_S.
    """
    import soundfile
    import soxr

    responses = []
    for path in response_files(folder):
        try:
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError) as error:
            raise ImpulseResponseError(f"{path} cannot be read: {error}; remove it or replace it") from error
        first = samples[:, 0]
        if not np.isfinite(first).all() or not np.abs(first).max(initial=0.0) > 0:
            raise ImpulseResponseError(f"{path} is silent or holds samples that are no numbers; remove it")
        if len(first) > LONGEST_MEASURED_S * rate:
            raise ImpulseResponseError(
                f"{path} lasts {len(first) / rate:.1f} s, and an impulse response at most {LONGEST_MEASURED_S:g} s; "
                "name a folder that holds impulse responses alone"
            )
        resampled = soxr.resample(first, rate, sample_rate_hz).astype(np.float32)
        peak = int(np.abs(resampled).argmax())
        responses.append(resampled[peak:] / resampled[peak])
    return responses


@dataclass(frozen=True)
class RoomDraw:
    """What room each waveform sounds in."""

    chosen: Tensor  # (batch,) bool
    response: Tensor  # (batch,) which of the measured ones; 0 where they are made
    reverberation_s: Tensor  # (batch,) for a fall of 60 dB, of made ones
    tail_gain: Tensor  # (batch,) energy of a made tail against the direct sound's
    seed: int  # of the made ones' noise


def made_responses(reverberation_s: Tensor, tail_gain: Tensor, samples: int, sample_rate_hz: int, seed: int) -> Tensor:
    """Return impulse responses (rows, samples), 1 at the first sample and a tail of the energy `tail_gain` behind it."""
    device = reverberation_s.device
    generator = torch.Generator(device).manual_seed(seed)
    noise = torch.randn(len(reverberation_s), samples - 1, generator=generator, device=device)
    time_s = torch.arange(1, samples, device=device) / sample_rate_hz
    tail = noise * torch.pow(10.0, -3 * time_s[None, :] / reverberation_s[:, None])
    energy = tail.square().sum(dim=1, keepdim=True)
    tail = tail * (energy / tail_gain[:, None]).rsqrt()  # not sqrt, which the processor estimates (`STRICT`)
    return torch.cat([torch.ones(len(tail), 1, device=device), tail], dim=1)


def convolved(waveforms: Tensor, responses: Tensor) -> Tensor:
    """Return each of the waveforms (rows, samples) convolved with its response (rows, any), cut to its length."""
    length = waveforms.shape[1] + responses.shape[1]
    product = torch.fft.rfft(waveforms, n=length) * torch.fft.rfft(responses, n=length)
    result: Tensor = torch.fft.irfft(product, n=length)
    return result[:, : waveforms.shape[1]]


class ImpulseResponse(Augmentation):
    """A drawn room around each chosen waveform."""

    domain: Domain = "waveform"

    def __init__(self, params: ImpulseResponseParams, sample_rate_hz: int) -> None:
        self.params, self.sample_rate_hz = params, sample_rate_hz
        measured = [] if params.measured is None else read_responses(params.measured, sample_rate_hz)
        longest = max(map(len, measured), default=0)
        padded = [np.pad(each, (0, longest - len(each))) for each in measured]
        self.measured = torch.from_numpy(np.stack(padded)) if padded else None  # (responses, samples)

    def draw(self, shape: torch.Size, generator: torch.Generator) -> RoomDraw:
        """Draw for a batch (batch, samples)."""
        batch, params = shape[0], self.params
        tail_db = uniform(params.strongest_db - TAIL_RANGE_DB, params.strongest_db, batch, generator)
        responses = 1 if self.measured is None else len(self.measured)
        return RoomDraw(
            chosen=happens(params.probability, batch, generator),
            response=torch.randint(responses, (batch,), generator=generator),
            reverberation_s=log_uniform(SHORTEST_S, max(params.longest_s, SHORTEST_S), batch, generator),
            tail_gain=torch.pow(10.0, tail_db / 10),
            seed=draw_seed(generator),
        )

    def apply(self, x: Tensor, draw: RoomDraw) -> Tensor:
        """Return the waveforms in their rooms; nothing sounds before the window begins."""

        def reverberant(waveforms: Tensor, places: Tensor) -> Tensor:
            if self.measured is not None:
                responses = self.measured[draw.response[places], : x.shape[1]].to(x.device)
            else:
                samples = min(round(self.params.longest_s * self.sample_rate_hz), x.shape[1])
                rooms = (draw.reverberation_s[places].to(x.device), draw.tail_gain[places].to(x.device))
                responses = made_responses(*rooms, samples, self.sample_rate_hz, draw.seed)
            return convolved(waveforms, responses)

        return change_rows(x, draw.chosen, reverberant)
