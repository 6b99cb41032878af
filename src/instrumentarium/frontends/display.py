"""A spectrogram to look at, whatever a model's own front end is."""

from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.params import LogMelParams


def display_frontend(sample_rate_hz: int) -> LogMel:
    """Return a log-mel front end for pictures: 64 bands up to 14 kHz, about 100 frames a second, relative level."""
    return LogMel(
        LogMelParams(
            kind="logmel",
            sample_rate_hz=sample_rate_hz,
            n_fft=1024,
            hop_length=max(1, round(sample_rate_hz / 100)),
            n_mels=64,
            f_min_hz=40.0,
            f_max_hz=min(14000.0, sample_rate_hz / 2),
            level="relative",
            normalisation="none",
        ),
        sample_rate_hz,
    )
