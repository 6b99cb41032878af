"""A model that tells timbres apart and nothing of loudness, and sounds of its three instruments."""

import numpy as np
import numpy.typing as npt
from model_fixtures import RATE_HZ, Parts

from instrumentarium.models.modelfile import ModelCard
from taxonomies import BAND3

Sound = npt.NDArray[np.float64]


class Timbre:
    """Scores the share of a window's power below 1 kHz in a tone, above it in a tone, and in what is no tone."""

    def __init__(self, clip_score: str = "max") -> None:
        card = Parts(taxonomy=BAND3).card()
        self.card: ModelCard = card.model_copy(
            update={"windows": card.windows.model_copy(update={"clip_score": clip_score})}
        )

    def windows(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        scaled = windows / np.maximum(windows.std(axis=1, keepdims=True), 1e-9)
        power = np.abs(np.fft.rfft(scaled * np.hanning(scaled.shape[1]))) ** 2
        power[:, 0] = 1e-9
        flat = np.exp(np.log(power + 1e-9).mean(axis=1)) / (power + 1e-9).mean(axis=1)
        split = power.shape[1] // 4
        low = power[:, :split].sum(axis=1) / power.sum(axis=1)
        noisy = np.clip(2 * flat, 0, 1)
        return np.stack([low * (1 - noisy), (1 - low) * (1 - noisy), noisy], axis=1).astype(np.float32)


def tone(hz: float, duration_s: float, level_db: float = -20.0) -> Sound:
    time = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return np.sqrt(2) * 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * time)


def hiss(duration_s: float, level_db: float, seed: int = 0) -> Sound:
    noise = np.random.default_rng(seed).standard_normal(round(duration_s * RATE_HZ))
    return noise * 10 ** (level_db / 20)
