"""Whether two stretches of sound are one waveform: the last word on a pair that landmarks have proposed.

Two takes of one note by one sampler share landmarks for as long as the note lasts; only a copy keeps its waveform from
note to note at one and the same lag. Gain, polarity, lossy coding, resampling and moderate noise leave that so.
"""

import numpy as np
import numpy.typing as npt
from scipy import fft

from instrumentarium.duplicates.landmarks import HIGHEST_HZ, LOWEST_HZ

SEGMENT_S = 0.25
SOUNDING = 1e-2
"""Of the energy of the loudest segment: 20 dB below it, noise may outweigh the sound."""


def coherence(
    first: npt.NDArray[np.int16], second: npt.NDArray[np.int16], reach: int, sample_rate_hz: int
) -> tuple[int, float]:
    """Return at which lag two stretches agree best, and how well they do there.

    They are compared between LOWEST_HZ and HIGHEST_HZ, amplitudes weighted by the root of frequency, so that a bass note
    in common does not stand for all the rest.

    Args:
        first: (n,), of at least SEGMENT_S.
        second: (n,).
        reach: the largest lag to either side, in samples, below n.
        sample_rate_hz: of both.

    Returns:
        The lag in samples: first[t + lag] goes with second[t]. And the median over segments of SEGMENT_S, those without
        sound left out, of their correlation's magnitude at that lag, from 0 to 1; 0 if nothing sounds.
    """
    n = len(first)
    size = fft.next_fast_len(n + reach, real=True)
    frequency = np.arange(size // 2 + 1) * (sample_rate_hz / size)
    weight = np.sqrt(frequency) * ((frequency >= LOWEST_HZ) & (frequency <= HIGHEST_HZ))
    one, two = (fft.rfft(stretch.astype(np.float64), size) * weight for stretch in (first, second))
    correlation = np.abs(fft.irfft(one * two.conj(), size))
    lags = np.arange(-reach, reach + 1)
    lag = int(lags[np.argmax(correlation[lags])])

    segment = round(SEGMENT_S * sample_rate_hz)
    starts = max(0, lag), max(0, -lag)
    count = (n - abs(lag)) // segment
    left, right = (
        fft.irfft(spectrum, size)[start : start + count * segment].reshape(count, segment)
        for spectrum, start in zip((one, two), starts, strict=True)
    )
    energies = np.sum(left**2, axis=1), np.sum(right**2, axis=1)
    sounding = np.zeros(count, dtype=np.bool_)
    for energy in energies:
        sounding |= energy > SOUNDING * energy.max(initial=0.0)
    if not sounding.any():
        return lag, 0.0
    products = np.abs(np.sum(left * right, axis=1))[sounding]
    norms = np.sqrt(energies[0] * energies[1])[sounding]
    return lag, float(np.median(np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)))
