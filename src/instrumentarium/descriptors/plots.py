"""What descriptors tell of their recordings, and of one another, as rows of plots; of training windows alone."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from instrumentarium.descriptors.windows import STATISTICS

Row = dict[str, object]
FloatArray = npt.NDArray[np.float64]

FAMILIES = {"contrast": "contrast", "chroma": "chroma", "mfcc_delta": "MFCC slope", "mfcc": "MFCC"}
WAVEFORM = {"zero_crossings", "rms", "activity", "mobility", "complexity"}
CORRELATED_MFCC = 6
"""Of the coefficients, so many are in the matrix of correlations; chroma and slopes are not."""
DECIMALS = 4


def family_of(descriptor: str) -> str:
    """Return the group a descriptor is drawn in."""
    for beginning, family in FAMILIES.items():
        if descriptor.startswith(f"{beginning}_"):
            return family
    return "waveform" if descriptor in WAVEFORM else "spectrum"


def variance_rows(
    columns: Sequence[str], values: npt.NDArray[np.float32], recordings: npt.NDArray[np.str_]
) -> list[Row]:
    """Return for each descriptor how much of the variance of its means over windows lies between recordings.

    A share near 1 tells recordings apart and does not move within one, as the instrument does not; near 0 it is all
    movement. Rows hold descriptor, family, deviation, share; the share of a descriptor that never varies is None.

    Args:
        columns: of `values`.
        values: (windows, columns).
        recordings: (windows,).
    """
    means, names = _means(columns, values)
    _, index, counts = np.unique(recordings, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), len(names)))
    np.add.at(sums, index, means)
    between = (counts[:, None] * np.square(sums / counts[:, None] - means.mean(axis=0))).sum(axis=0)
    whole = np.square(means - means.mean(axis=0)).sum(axis=0)
    return [
        {
            "descriptor": name,
            "family": family_of(name),
            "deviation": float(f"{np.sqrt(whole[place] / len(means)):.4g}"),
            "share": round(float(between[place] / whole[place]), DECIMALS) if whole[place] > 0 else None,
        }
        for place, name in enumerate(names)
    ]


def correlation_rows(columns: Sequence[str], values: npt.NDArray[np.float32]) -> list[Row]:
    """Return Pearson's correlation of the means of each pair of descriptors over windows; None where one never varies.

    Rows hold descriptor, with, correlation.
    """
    means, names = _means(columns, values)
    kept = [place for place, name in enumerate(names) if _is_correlated(name)]
    centred = means[:, kept] - means[:, kept].mean(axis=0)
    norms = np.sqrt(np.square(centred).sum(axis=0))
    norms[norms == 0] = np.nan
    matrix = (centred.T @ centred) / np.outer(norms, norms)
    return [
        {
            "descriptor": names[a],
            "with": names[b],
            "correlation": None if np.isnan(matrix[i, j]) else round(float(matrix[i, j]), DECIMALS),
        }
        for i, a in enumerate(kept)
        for j, b in enumerate(kept)
    ]


def _means(columns: Sequence[str], values: npt.NDArray[np.float32]) -> tuple[FloatArray, list[str]]:
    """Return the columns of means, (windows, descriptors), and the descriptors' names."""
    suffix = f"_{STATISTICS[0]}"
    kept = [place for place, column in enumerate(columns) if column.endswith(suffix)]
    return values[:, kept].astype(np.float64), [columns[place].removesuffix(suffix) for place in kept]


def _is_correlated(name: str) -> bool:
    family = family_of(name)
    if family == "MFCC":
        return int(name.rpartition("_")[2]) < CORRELATED_MFCC
    return family in {"spectrum", "waveform", "contrast"}
