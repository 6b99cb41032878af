"""The search for duplicates over a whole collection: equal samples, then the same sound moved, scaled or coded anew.

Clips of different samples count as one recording when three tests agree: MATCHES landmarks coincide; they are SHARE of
those that could; and the waveforms cohere over the overlap.

Within one recording a pair is listed only if the two clips sound alike from end to end, so that their labels should agree;
that two excerpts of a song overlap, or that its bars repeat, is no news.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.duplicates import are_alike
from instrumentarium.duplicates.coherence import coherence
from instrumentarium.duplicates.landmarks import count_frames, find_landmarks, hop_samples
from instrumentarium.duplicates.matching import Constellation, find_matches
from instrumentarium.runtime.workers import map_in_order, worker_pool

MATCHES = 8
SHARE = 0.25
COHERENCE = 0.7
OVERLAP_S = 1.0
"""Two notes fit into less, and two notes may sound the same in different pieces."""
COLUMNS = ("clip_a", "clip_b", "kind", "offset_s", "overlap_s", "matches")

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Likeness:
    """How alike two clips sound, at the offset where their waveforms agree best.

    Attributes:
        first: row of a clip.
        second: row of a later clip.
        offset: sample of the first clip where the second one begins; may be negative.
        matches: landmarks that coincide.
        agreement: coherence of the waveforms over the overlap, from 0 to 1.
    """

    first: int
    second: int
    offset: int
    matches: int
    agreement: float


def find_duplicates(clips: pd.DataFrame, samples: ClipSamples, sample_rate_hz: int) -> pd.DataFrame:
    """Return the pairs of clips that hold the same sound, with COLUMNS of the duplicates table, in the order of their ids.

    Args:
        clips: columns clip_id, recording_id, duration_s, pcm_hash, one row a clip.
        samples: of the clips, in their order.
        sample_rate_hz: of the samples.
    """
    order = np.argsort(clips["clip_id"].to_numpy(), kind="stable")
    clips = clips.iloc[order].reset_index(drop=True)
    groups = [rows.to_numpy() for _, rows in clips.groupby("pcm_hash").groups.items()]
    groups.sort(key=lambda rows: int(rows[0]))
    rows: list[tuple[int, int, str, float, int]] = []  # of clips: first, second; kind, offset, matches
    for members in groups:
        rows += [(int(one), int(two), "exact", 0.0, 0) for n, one in enumerate(members) for two in members[n + 1 :]]
    originals = [order[members[0]] for members in groups]  # equal samples are compared once
    for found in compare_sounds([samples.read(int(row)) for row in originals], sample_rate_hz):
        if found.agreement >= COHERENCE:
            offset_s = found.offset / sample_rate_hz
            for one, two in itertools.product(groups[found.first].tolist(), groups[found.second].tolist()):
                first, second, sign = (one, two, 1) if one < two else (two, one, -1)
                rows.append((first, second, "fingerprint", sign * offset_s, found.matches))
    return _table(clips, rows)


def compare_sounds(samples: Sequence[npt.NDArray[np.int16]], sample_rate_hz: int) -> list[Likeness]:
    """Return how alike those clips sound that share enough landmarks; which of them hold the same sound, COHERENCE decides.

    Args:
        samples: of each clip, (n_samples,).
        sample_rate_hz: of them all.
    """
    landmarks = _in_threads(lambda clip: find_landmarks(clip, sample_rate_hz), samples, "duplicates: landmarks")
    n_frames = [count_frames(len(clip), sample_rate_hz) for clip in samples]
    found = find_matches(Constellation.build(landmarks, n_frames))
    found = found.where((found.matches >= MATCHES) & (found.matches >= SHARE * found.possible))
    hop, shortest = hop_samples(sample_rate_hz), round(OVERLAP_S * sample_rate_hz)
    reach = hop + hop // 2

    def compare(row: int) -> tuple[int, float]:
        one, two = samples[int(found.first[row])], samples[int(found.second[row])]
        offset = int(found.offset[row]) * hop
        begin, end = max(0, offset), min(len(one), offset + len(two))
        if end - begin < shortest:
            return offset, 0.0
        lag, agreement = coherence(one[begin:end], two[begin - offset : end - offset], reach, sample_rate_hz)
        return offset + lag, agreement

    compared = _in_threads(compare, range(len(found.first)), "duplicates: comparison")
    best: dict[tuple[int, int], tuple[float, int, int]] = {}  # agreement, landmarks, offset
    for row, (offset, agreement) in enumerate(compared):
        pair = int(found.first[row]), int(found.second[row])
        # rounded: neighbouring frames lead to the same lag, and agree but for the last digits
        best[pair] = max(best.get(pair, (0.0, 0, 0)), (round(agreement, 6), int(found.matches[row]), offset))
    return [Likeness(*pair, offset, matches, agreement) for pair, (agreement, matches, offset) in best.items()]


def _in_threads(function: Callable[[Task], Result], tasks: Sequence[Task], title: str) -> list[Result]:
    """Return the result for each task, in their order, computed on all cores: the loops of NumPy and SciPy run abreast."""
    with worker_pool("threads") as pool:
        return list(map_in_order(pool, function, tasks, title))


def _table(clips: pd.DataFrame, rows: Sequence[tuple[int, int, str, float, int]]) -> pd.DataFrame:
    """Return the pairs that are to be listed, with ids, and with the overlap of the publisher's files."""
    first = np.array([row[0] for row in rows], dtype=np.int64)
    second = np.array([row[1] for row in rows], dtype=np.int64)
    offset = np.array([row[3] for row in rows], dtype=np.float64)
    duration, recording = clips["duration_s"].to_numpy(), clips["recording_id"].to_numpy()
    overlap = np.minimum(duration[first], offset + duration[second]) - np.maximum(0.0, offset)
    names = clips["clip_id"].to_numpy()
    pairs = pd.DataFrame(
        {
            "clip_a": names[first],
            "clip_b": names[second],
            "kind": [row[2] for row in rows],
            "offset_s": (offset + 0.0).round(6),
            "overlap_s": overlap.round(6),
            "matches": [row[4] for row in rows],
        },
        columns=list(COLUMNS),
    )
    listed = (recording[first] != recording[second]) | are_alike(clips, pairs)
    chosen: pd.DataFrame = pairs.loc[listed]
    return chosen.sort_values(["clip_a", "clip_b"], ignore_index=True)
