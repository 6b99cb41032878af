"""Every augmentation on its own, before and after, on features to look at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from instrumentarium.frontends.base import PowerFrontEnd
from instrumentarium.runtime.section import Section
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.training.augment.background import Background
from instrumentarium.training.augment.base import Augmentation, Domain
from instrumentarium.training.augment.build import build_augmentations
from instrumentarium.training.augment.params import AugmentParams

FloatArray = npt.NDArray[np.float32]
Scaled = Callable[[Tensor], Tensor]

DRAWS, SHOWN = 12, 10
"""Of so many draws, by how much they change, this one is shown: rather strong, and none that changes nothing."""


@dataclass(frozen=True)
class Example:
    """What one augmentation makes of a window; `features` are (bands, frames), 0 their mean before."""

    name: str
    settings: str
    features: FloatArray


def one_of_each(entries: Mapping[str, AugmentParams]) -> dict[str, Section]:
    """Return the parameters of each augmentation from the first entry that uses it, in the order of application."""
    found: dict[str, Section] = {}
    for entry in entries.values():
        for name, part in entry.used.items():
            found.setdefault(name, part)
    return {name: found[name] for name in AugmentParams.model_fields if name in found}


def examples(
    parts: Mapping[str, Section], windows: Tensor, background: Tensor, frontend: PowerFrontEnd, rate: int, seed: int
) -> list[Example]:
    """Return the window as it is, then what each augmentation makes of it by a draw that is rather strong.

    Args:
        parts: parameters of the augmentations, by name; probabilities are taken as 1.
        windows: (windows, samples); the first one is augmented, the others are its partners.
        background: (samples,), what lies behind it.
        frontend: what makes features.
        rate: of the samples.
        seed: of the draws.
    """
    plain = frontend.compress(frontend.power(windows))
    shift, scale = plain[:1].mean(), plain[:1].std().clamp(min=1e-6)

    def scaled(features: Tensor) -> Tensor:
        return (features - shift) / scale

    before = scaled(plain)[0, 0]
    found = [Example("as it is", "", before.numpy())]
    for name, part in parts.items():
        params = AugmentParams.model_validate({name: _always(part)})
        chain = build_augmentations(params, frontend, rate)
        drawn = [
            _augmented(chain, windows, background, frontend, scaled, derive_seed(seed, name, attempt))
            for attempt in range(DRAWS)
        ]
        drawn.sort(key=lambda after: float((after - before).square().mean()))
        found.append(Example(name, _settings(part), drawn[SHOWN].numpy()))
    return found


def _augmented(
    chain: Sequence[Augmentation],
    windows: Tensor,
    background: Tensor,
    frontend: PowerFrontEnd,
    scaled: Scaled,
    seed: int,
) -> Tensor:
    """Return the features (bands, frames) of the first window after a chain, as training goes through it."""
    generator = torch.Generator().manual_seed(seed)

    def through(x: Tensor, domain: Domain) -> Tensor:
        for augmentation in chain:
            if augmentation.domain == domain:
                x = augmentation.apply(x, augmentation.draw(x.shape, generator))
        return x

    x = windows
    for augmentation in chain:
        if augmentation.domain == "sources":
            others = background[None, None] if isinstance(augmentation, Background) else windows[None, 1:]
            sources = torch.cat([x[:, None], others.expand(len(x), -1, -1)], dim=1)
            x = augmentation.apply(sources, augmentation.draw(sources.shape, generator))
    power = through(frontend.power(through(x, "waveform")), "power")
    features: Tensor = through(scaled(frontend.compress(power)), "features")
    return features[0, 0]


def _always(part: Section) -> dict[str, object]:
    values = part.model_dump()
    return values | ({"probability": 1.0} if "probability" in values else {})


def _settings(part: Section) -> str:
    values = {key: value for key, value in part.model_dump().items() if key != "probability" and value is not None}
    return ", ".join(
        f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}" for key, value in values.items()
    )


def phrases(rate: int, seconds: float) -> Tensor:
    """Return three short phrases of plucked notes, each of a timbre and a register of its own, (3, samples)."""
    time = torch.arange(round(rate * seconds)) / rate
    found = []
    for root, harmonics, beat in ((262.0, 8, 0.45), (392.0, 3, 0.35), (147.0, 14, 0.6)):
        sound = torch.zeros(len(time))
        for number, semitones in enumerate((0, 4, 7, 12, 7, 4, 0, 5, 9)):
            local = time - number * beat
            envelope = torch.where(local >= 0, torch.exp(-12 * local.clamp(min=0)) * (local * 60).clamp(0, 1), 0.0)
            pitch = root * 2 ** (semitones / 12)
            for k in range(1, harmonics + 1):
                if pitch * k < rate / 2:
                    sound += envelope * torch.sin(2 * torch.pi * pitch * k * time) / k
        found.append(0.3 * sound / sound.abs().max())
    return torch.stack(found)


def rain(rate: int, seconds: float) -> Tensor:
    """Return drops on a roof, (samples,): something without any instrument."""
    samples = round(rate * seconds)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(samples, generator=generator)
    drops = (torch.rand(samples, generator=generator) < 12 / rate).float()
    decay = torch.exp(-torch.arange(samples) / (0.02 * rate))
    length = 2 * samples
    envelope: Tensor = torch.fft.irfft(torch.fft.rfft(drops, n=length) * torch.fft.rfft(decay, n=length), n=length)[
        :samples
    ]
    sound: Tensor = 0.05 * noise * (0.2 + envelope)
    return sound
