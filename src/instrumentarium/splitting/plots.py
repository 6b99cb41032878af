"""The rows behind the plots of the split stage, for the templates in .dvc/plots/."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from instrumentarium.clips.labels import FloatArray
from instrumentarium.splitting.rules import SPLITS
from instrumentarium.splitting.units import BoolArray, positive_labels

Row = dict[str, object]
LevelsOf = Callable[[pd.DataFrame], FloatArray]
LONGEST_S = 30
"""Clips from here on share one bar."""
SOFTEST_DB, STEP_DB = -60, 3
"""Clips up to here share one bar; a bar is so wide."""
DRUMS = {"yes": "with drums", "no": "without drums", "unknown": "not stated"}
DECIMALS = 6


def plot_rows(
    clips: pd.DataFrame, labels: pd.DataFrame, split: pd.DataFrame, codes: Sequence[str], levels: LevelsOf
) -> Mapping[str, list[Row]]:
    """Return plot name (of plots/split/<name>.json) to rows.

    Args:
        clips: columns of the clips table.
        labels: columns clip_id, instrument, relevance.
        split: columns clip_id, split; the same clips.
        codes: of the instruments.
        levels: returns the level of each of some clips, (clips,), in dB of full scale.
    """
    table = clips.merge(split[["clip_id", "split"]], on="clip_id").sort_values("clip_id", ignore_index=True)
    positives = positive_labels(table, labels, codes)
    parts = {name: (table["split"] == name).to_numpy(dtype=np.bool_) for name in SPLITS}
    seconds = pd.Series(np.rint(np.minimum(table["duration_s"].to_numpy(dtype=np.float64), LONGEST_S)).astype(np.int64))
    return {
        "prevalence": _prevalence(positives, codes, parts),
        "cooccurrence": _cooccurrence(positives, codes),
        "labels_per_clip": _counted(pd.Series(positives.sum(axis=1)), "labels", parts),
        "durations": _counted(seconds, "duration_s", parts),
        "loudness": _counted(_loudness(levels(table)), "level_db", parts),
        "genres": _genres(positives, codes, table["genre"]),
        "drums": _drums(positives, codes, table["drums"]),
    }


def _prevalence(positives: BoolArray, codes: Sequence[str], parts: Mapping[str, BoolArray]) -> list[Row]:
    """Return the clips with each instrument and their share of the split's clips."""
    return [
        {"instrument": code, "split": name, "clips": int(held), "prevalence": _share(int(held), int(part.sum()))}
        for name, part in parts.items()
        for code, held in zip(codes, positives[part].sum(axis=0), strict=True)
    ]


def _cooccurrence(positives: BoolArray, codes: Sequence[str]) -> list[Row]:
    """Return for each two instruments the clips with both, and their share of those with the first."""
    both = positives.T.astype(np.int64) @ positives.astype(np.int64)  # (instruments, instruments)
    return [
        {"instrument": code, "with": other, "count": int(both[i, j]), "share": _share(int(both[i, j]), int(both[i, i]))}
        for i, code in enumerate(codes)
        for j, other in enumerate(codes)
    ]


def _counted(values: pd.Series, name: str, parts: Mapping[str, BoolArray]) -> list[Row]:
    """Return for each value that occurs, and each split, its clips and their share of the split's clips."""
    column = values.to_numpy()
    return [
        {
            name: int(value),
            "split": split,
            "clips": int((column[part] == value).sum()),
            "share": _share(int((column[part] == value).sum()), int(part.sum())),
        }
        for value in np.unique(column)
        for split, part in parts.items()
    ]


def _genres(positives: BoolArray, codes: Sequence[str], genres: pd.Series) -> list[Row]:
    """Return for each instrument and genre the clips with both, and their share of the instrument's clips of any genre.

    A kind of noise that a corpus of negatives states in place of a genre has no instrument, and so no row.
    """
    stated = (genres != "").to_numpy(dtype=np.bool_) & positives.any(axis=1)
    names, genre_of = np.unique(genres[stated].to_numpy(dtype=np.str_), return_inverse=True)
    counts = np.zeros((positives.shape[1], len(names)), dtype=np.int64)  # (instruments, genres)
    np.add.at(counts.T, genre_of, positives[stated].astype(np.int64))
    return [
        {"instrument": code, "genre": str(name), "count": int(count), "share": _share(int(count), int(row.sum()))}
        for code, row in zip(codes, counts, strict=True)
        for name, count in zip(names, row, strict=True)
    ]


def _loudness(levels_db: FloatArray) -> pd.Series:
    """Return the lower end of the bar that each level belongs to."""
    ends = SOFTEST_DB + STEP_DB * np.floor((levels_db - SOFTEST_DB) / STEP_DB)
    return pd.Series(np.maximum(ends, SOFTEST_DB - STEP_DB).astype(np.int64))


def _drums(positives: BoolArray, codes: Sequence[str], drums: pd.Series) -> list[Row]:
    """Return for each instrument its clips with drums, without, and of which nobody says, and their shares."""
    said = drums.to_numpy(dtype=np.str_)
    return [
        {
            "instrument": code,
            "drum_track": DRUMS[word],
            "clips": int(count),
            "share": _share(int(count), int(held.sum())),
        }
        for code, held in zip(codes, positives.T, strict=True)
        for word, count in ((word, (held & (said == word)).sum()) for word in DRUMS)
    ]


def _share(count: int, whole: int) -> float | None:
    """Return a share as files hold it; None where there is nothing to have a share of."""
    return round(count / whole, DECIMALS) if whole else None
