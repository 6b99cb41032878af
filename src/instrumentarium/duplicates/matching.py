"""Which clips may share sound, from their landmarks alone: an inverted index proposes, a recount of landmarks confirms.

A hash stands for three landmarks by their distances in time and frequency, so it is the same wherever in a clip they lie.
Equal hashes in two clips vote for the offset between them (Wang, ISMIR 2003; three landmarks instead of two, after Six &
Leman, "Panako", ISMIR 2014, since far fewer agree by chance). Where an offset has votes, all landmarks are counted that
coincide at it, with a tolerance that hashes don't have. Time and memory grow with the number of agreeing hashes, not with
the number of pairs of clips.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from instrumentarium.duplicates.landmarks import BINS, IntArray
from instrumentarium.runtime.progress import progress_bar

FAN_OUT = 4
"""Landmarks after an anchor that it makes hashes with, each two of them one."""
TARGET_FRAMES = 32
TARGET_BINS = 64
"""How far those lie from their anchor, at most: 0.5 s, 1 kHz."""
LOOK_AHEAD = 64
"""Landmarks after an anchor among which they are sought."""
VOTES_LEAST = 1
VOTES_MOST = 5
LANDMARKS_A_VOTE = 20
"""An offset needs VOTES_LEAST, and one more for each so many landmarks of the sparser clip, up to VOTES_MOST."""
OFFSETS = 6
"""Tried for one pair, those with the most votes: a tremolo or a repeated bar votes for wrong ones too."""
PARTNERS = 256
"""Of one hash, at most. What more clips share says nothing about two of them; of more copies of one clip, each still meets
its next ones, and merging joins them all."""
BLOCK_HASHES = 1 << 18
BLOCK_VOTES = 1 << 22
"""What is in memory at once, some 300 MB."""
GAP = 2
"""Frames between two clips in the row, so that the tolerance doesn't reach over."""

UintArray = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Matches:
    """Pairs of clips that share landmarks, a row for each offset at which they may.

    Attributes:
        first: (pairs,), row of the clip that comes first in order.
        second: (pairs,), row of the other.
        offset: (pairs,), the frame of the first clip where the second one begins; may be negative.
        matches: (pairs,), landmarks of either clip that coincide with one of the other's; of both counts the smaller.
        possible: (pairs,), landmarks that could: the smaller count within the overlap.
    """

    first: IntArray
    second: IntArray
    offset: IntArray
    matches: IntArray
    possible: IntArray

    def where(self, rows: npt.NDArray[np.bool_]) -> Self:
        """Return the pairs for which `rows`, (pairs,), is true."""
        return type(self)(*(getattr(self, name)[rows] for name in Matches.__annotations__))


@dataclass(frozen=True)
class Constellation:
    """The landmarks of all clips in one row, clip after clip.

    Attributes:
        frames: (landmarks,), counted on from clip to clip.
        bins: (landmarks,).
        n_frames: (clips,), whole frames of each clip.
        first_frame: (clips + 1,), where each clip begins.
        first_landmark: (clips + 1,).
    """

    frames: IntArray
    bins: IntArray
    n_frames: IntArray
    first_frame: IntArray
    first_landmark: IntArray

    @classmethod
    def build(cls, landmarks: Sequence[IntArray], n_frames: Sequence[int]) -> Self:
        """Return the landmarks of the clips, each (landmarks, 2), put one after another."""
        first_frame = np.cumsum([0, *(count + GAP for count in n_frames)])
        if first_frame[-1] >= 1 << 32:
            raise ValueError(f"{first_frame[-1]} frames are more than the index can tell apart, {1 << 32}")
        row = np.concatenate([np.zeros((0, 2), dtype=np.int64), *landmarks])
        first_landmark = np.cumsum([0, *map(len, landmarks)])
        return cls(
            frames=row[:, 0] + np.repeat(first_frame[:-1], np.diff(first_landmark)),
            bins=row[:, 1],
            n_frames=np.asarray(n_frames, dtype=np.int64),
            first_frame=first_frame,
            first_landmark=first_landmark,
        )

    @cached_property
    def clip_of(self) -> IntArray:
        """(landmarks,): the clip each belongs to."""
        return np.repeat(np.arange(len(self.n_frames)), np.diff(self.first_landmark))

    @cached_property
    def keys(self) -> IntArray:
        """(landmarks,): frame and bin as one number, ascending; the bins above and below are its neighbours."""
        return self.frames * (BINS + 2) + self.bins

    def hashes(self, begin: int, end: int) -> UintArray:
        """Return the hashes of the clips from `begin` to before `end`: 32 bits of hash, then 32 of the anchor's frame."""
        rows = slice(self.first_landmark[begin], self.first_landmark[end])
        frames, bins, clip = self.frames[rows], self.bins[rows], self.clip_of[rows]
        targets = np.full((len(frames), FAN_OUT), -1)
        taken = np.zeros(len(frames), dtype=np.int64)
        for step in range(1, min(LOOK_AHEAD, len(frames))):
            later, higher = frames[step:] - frames[:-step], bins[step:] - bins[:-step]
            near = (later > 0) & (later <= TARGET_FRAMES) & (np.abs(higher) < TARGET_BINS)
            anchors = np.flatnonzero(near & (clip[step:] == clip[:-step]) & (taken[:-step] < FAN_OUT))
            targets[anchors, taken[anchors]] = anchors + step
            taken[anchors] += 1
        packed = []
        for one, two in itertools.combinations(range(FAN_OUT), 2):
            anchor = np.flatnonzero(taken > two)
            low, high = targets[anchor, one], targets[anchor, two]
            swap = bins[low] > bins[high]  # by frequency: a frame of jitter must not change their order
            low, high = np.where(swap, high, low), np.where(swap, low, high)
            word = bins[anchor]
            for target in (low, high):
                word = word * (2 * TARGET_BINS) + bins[target] - bins[anchor] + TARGET_BINS
                word = word * (TARGET_FRAMES // 2 + 1) + (frames[target] - frames[anchor]) // 2
            packed.append(_mixed(word) << np.uint64(32) | frames[anchor].astype(np.uint64))
        return np.concatenate(packed)


def _mixed(word: IntArray) -> UintArray:
    """Return 32 bits that stand for `word` (Knuth's multiplicative hashing, by 2^64 over the golden ratio)."""
    mixed: UintArray = (word.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)
    return mixed


def find_matches(sky: Constellation) -> Matches:
    """Return the pairs of clips with enough votes, each at up to OFFSETS offsets, sorted by clips and offset."""
    index = np.concatenate([np.zeros(0, dtype=np.uint64), *(sky.hashes(*block) for block in _blocks(sky))])
    index.sort()
    empty = np.zeros(0, dtype=np.int64)
    found = [Matches(*[empty] * 5)]
    with progress_bar("duplicates: search", "clips", total=len(sky.n_frames)) as bar:
        for begin, end in _blocks(sky):
            found.append(_recount(sky, *_vote(sky, index, begin, end)))
            bar.update(end - begin)
    return Matches(*(np.concatenate([getattr(block, name) for block in found]) for name in Matches.__annotations__))


def _blocks(sky: Constellation) -> Iterator[tuple[int, int]]:
    """Yield runs of whole clips that have about BLOCK_HASHES hashes together."""
    ends = np.cumsum(np.diff(sky.first_landmark)) * (FAN_OUT * (FAN_OUT - 1) // 2) // BLOCK_HASHES
    bounds = [0, *(np.flatnonzero(np.diff(ends)) + 1).tolist(), len(ends)]
    for begin, end in itertools.pairwise(bounds):
        if begin < end:
            yield begin, end


def _vote(sky: Constellation, index: UintArray, begin: int, end: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return, for first clips from `begin` to before `end`, the pairs and offsets that equal hashes vote for."""
    hashes = np.sort(sky.hashes(begin, end))
    frame = (hashes & np.uint64(0xFFFFFFFF)).astype(np.int64)
    word = hashes >> np.uint64(32)
    first = np.searchsorted(sky.first_frame, frame, "right") - 1
    # equal hashes stand in the order of their frames: those of later clips begin with the next clip's first frame
    low = np.searchsorted(index, (word << np.uint64(32)) | sky.first_frame[first + 1].astype(np.uint64))
    high = np.searchsorted(index, hashes | np.uint64(0xFFFFFFFF), "right")
    counts = np.minimum(high - low, PARTNERS)
    order = np.argsort(first, kind="stable")
    first, frame, low, counts = first[order], frame[order], low[order], counts[order]
    votes_before = np.cumsum(np.bincount(first - begin, counts, minlength=end - begin)).astype(np.int64) // BLOCK_VOTES
    bounds = np.searchsorted(first, begin + np.append(0, np.flatnonzero(np.diff(votes_before)) + 1)).tolist()
    found = [
        _tally(sky, index, first[part], frame[part], low[part], counts[part])
        for part in (slice(*bound) for bound in itertools.pairwise([*bounds, len(first)]))
    ]
    firsts, seconds, offsets = zip(*found, strict=True)
    return np.concatenate(firsts), np.concatenate(seconds), np.concatenate(offsets)


def _tally(
    sky: Constellation, index: UintArray, first: IntArray, frame: IntArray, low: IntArray, counts: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Count the votes of hashes of `first` at `frame`, (hashes,), for their `counts` partners in the index from `low`."""
    voter, partner = _ranges(low, counts)
    other = (index[partner] & np.uint64(0xFFFFFFFF)).astype(np.int64)
    first = first[voter]
    second = np.searchsorted(sky.first_frame, other, "right") - 1
    offset = (frame[voter] - sky.first_frame[first]) - (other - sky.first_frame[second])
    clips, furthest = len(sky.n_frames), int(sky.n_frames.max(initial=0))
    span = 2 * furthest + 2
    ballot, votes = np.unique((first * clips + second) * span + offset + furthest, return_counts=True)
    pair = ballot // span
    # an offset between two frames shares its votes out to both
    beside = (np.diff(ballot) == 1) & (np.diff(pair) == 0)
    both = votes + np.append(np.where(beside, votes[1:], 0), 0)[: len(votes)]
    sizes = np.diff(sky.first_landmark)
    sparser = np.minimum(sizes[pair // clips], sizes[pair % clips])
    enough = both >= np.minimum(VOTES_MOST, VOTES_LEAST + sparser // LANDMARKS_A_VOTE)
    order = np.lexsort((ballot, -both, pair))
    begins = np.flatnonzero(np.diff(pair[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order))))
    best = order[(rank < OFFSETS) & enough[order]]
    later = np.append(np.where(beside, votes[1:] > votes[:-1], False), False)[: len(votes)]
    chosen = np.unique(ballot[best] + later[best])
    return chosen // span // clips, chosen // span % clips, chosen % span - furthest


def _recount(sky: Constellation, first: IntArray, second: IntArray, offset: IntArray) -> Matches:
    """Count the landmarks of both clips that coincide at the offset, within a frame and a bin."""
    there, could = _coinciding(sky, first, second, offset)
    back, could_back = _coinciding(sky, second, first, -offset)
    return Matches(first, second, offset, np.minimum(there, back), np.minimum(could, could_back))


def _coinciding(sky: Constellation, one: IntArray, two: IntArray, offset: IntArray) -> tuple[IntArray, IntArray]:
    """Return for each pair how many landmarks of clip `one` have a counterpart in clip `two`, and how many lie in it."""
    pair, landmark = _ranges(sky.first_landmark[one], sky.first_landmark[one + 1] - sky.first_landmark[one])
    frame = sky.frames[landmark] - sky.first_frame[one[pair]] - offset[pair]  # in clip two
    inside = (frame >= 0) & (frame < sky.n_frames[two[pair]])
    pair, landmark, frame = pair[inside], landmark[inside], frame[inside] + sky.first_frame[two[pair[inside]]]
    found = np.zeros(len(pair), dtype=np.bool_)
    for step in (-1, 0, 1):
        key = (frame + step) * (BINS + 2) + sky.bins[landmark]
        nearest = np.minimum(np.searchsorted(sky.keys, key - 1), len(sky.keys) - 1)
        found |= np.abs(sky.keys[nearest] - key) <= 1
    return np.bincount(pair[found], minlength=len(one)), np.bincount(pair, minlength=len(one))


def _ranges(starts: IntArray, counts: IntArray) -> tuple[IntArray, IntArray]:
    """Return for all whole numbers of ranges, one after another, the range each belongs to, and the number."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
