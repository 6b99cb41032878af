"""From scores of windows to which instrument plays from when to when.

Windows overlap: the score of a frame is the mean of those that cover it, the nearer its middle the heavier. Frames are then
smoothed by a running median. An instrument enters where its frames reach its threshold, and stays while they stay above a
share of it (hysteresis); what is shorter than a minimum is dropped. Of an instrument that plays in the recording and has no
stretch left, its strongest window remains. Pure functions on arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter

from instrumentarium.runtime.errors import UserError

FloatArray = npt.NDArray[np.float64]


class TimelineSettingsError(UserError, ValueError):
    """Settings that make no timeline."""


@dataclass(frozen=True)
class TimelineSettings:
    """How a timeline is made.

    Attributes:
        step_s: length of a frame.
        smooth_s: length of the running median; below two frames there is none.
        release: share of its threshold that an instrument must keep to stay, in (0, 1]; 1 is no hysteresis.
        minimum_s: the shortest stretch that is reported.
    """

    step_s: float = 0.5
    smooth_s: float = 1.5
    release: float = 0.8
    minimum_s: float = 1.0

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            TimelineSettingsError: if one is out of its range.
        """
        if not (0.01 <= self.step_s <= 60 and 0 <= self.smooth_s <= 600 and self.minimum_s >= 0):
            raise TimelineSettingsError(
                "a timeline needs a step of 0.01 to 60 s, smoothing of 0 to 600 s and a minimum duration of 0 s or more; "
                f"found {self.step_s}, {self.smooth_s} and {self.minimum_s}"
            )
        if not 0 < self.release <= 1:
            raise TimelineSettingsError(f"the release is a share of the threshold, in (0, 1]; found {self.release}")


@dataclass(frozen=True)
class Segment:
    """A stretch in which an instrument plays."""

    instrument: str
    start_s: float
    end_s: float
    score: float  # mean over its frames; of a single window its own


def frame_scores(
    scores: FloatArray, starts_s: FloatArray, length_s: float, duration_s: float, step_s: float
) -> FloatArray:
    """Return the scores of frames of `step_s`, (frames, instruments), the last one cut off by the end.

    Args:
        scores: of windows, (windows, instruments).
        starts_s: where they start, (windows,), rising, so that every moment lies in one.
        length_s: of a window.
        duration_s: of the whole.
        step_s: of a frame.
    """
    frames = max(1, int(np.ceil(duration_s / step_s - 1e-9)))
    middles = np.minimum((np.arange(frames) + 0.5) * step_s, duration_s)
    first = np.minimum(np.searchsorted(starts_s, middles - length_s, side="left"), len(starts_s) - 1)
    behind = np.maximum(np.searchsorted(starts_s, middles, side="right"), first + 1)
    total, weights = np.zeros((frames, scores.shape[1])), np.zeros((frames, 1))
    for offset in range(int((behind - first).max())):
        window = np.minimum(first + offset, len(starts_s) - 1)
        distance = np.abs(starts_s[window] + length_s / 2 - middles) / (length_s / 2)
        weight = np.where(first + offset < behind, np.maximum(1 - distance, 1e-6), 0.0)[:, None]
        total += weight * scores[window]
        weights += weight
    return np.asarray(total / weights)


def at_temperature(scores: FloatArray, temperature: float) -> FloatArray:
    """Return scores in [0, 1] after their logits were divided by `temperature`; 0 and 1 stay."""
    if temperature == 1:
        return scores
    inner = (scores > 0) & (scores < 1)
    odds = np.divide(scores, 1 - scores, out=np.ones_like(scores), where=inner) ** (1 / temperature)
    return np.where(inner, odds / (1 + odds), scores)


def smooth(frames: FloatArray, step_s: float, smooth_s: float) -> FloatArray:
    """Return frames (frames, instruments) after a running median over `smooth_s`, rounded to an odd number of frames."""
    size = 2 * round((smooth_s / step_s - 1) / 2) + 1
    return frames if size < 3 else np.asarray(median_filter(frames, size=(size, 1), mode="nearest"))


def find_segments(
    frames: FloatArray,
    codes: Sequence[str],
    thresholds: FloatArray,
    duration_s: float,
    settings: TimelineSettings,
    reported: FloatArray | None = None,
) -> tuple[Segment, ...]:
    """Return the stretches of frames (frames, instruments) in which instruments play, by start, then by instrument.

    Thresholds are applied to `frames`; the score of a stretch is its mean of `reported`, by default the same frames. What
    lasts as long as the whole is never too short.
    """
    reported = frames if reported is None else reported
    minimum_s = min(settings.minimum_s, duration_s) - 1e-9
    segments = []
    for column, code in enumerate(codes):
        line, threshold = frames[:, column], thresholds[column]
        stays = np.concatenate([[False], line >= settings.release * threshold, [False]]).astype(np.int8)
        edges = np.flatnonzero(np.diff(stays))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            stretch = line[begin:end]
            start_s, end_s = begin * settings.step_s, min(end * settings.step_s, duration_s)
            if stretch.max() >= threshold and end_s - start_s >= minimum_s:
                score = float(reported[begin:end, column].mean())
                segments.append(_segment(code, start_s, end_s, score))
    return _in_order(segments, codes)


def strongest_windows(
    scores: FloatArray, starts_s: FloatArray, length_s: float, duration_s: float, codes: Sequence[str]
) -> tuple[Segment, ...]:
    """Return, for each instrument, the window in which its score is the highest; arguments as for `frame_scores`."""
    windows = scores.argmax(axis=0)
    return tuple(
        _segment(code, starts_s[window], min(starts_s[window] + length_s, duration_s), scores[window, column])
        for column, (code, window) in enumerate(zip(codes, windows, strict=True))
    )


def with_strongest(
    segments: Sequence[Segment], strongest: Sequence[Segment], codes: Sequence[str]
) -> tuple[Segment, ...]:
    """Return `segments` and those of `strongest` whose instrument has none there, in the order of `find_segments`.

    A window's score is averaged with its neighbours', smoothed, and dropped where it is short: an entry of one window may
    decide that an instrument plays in the recording, and leave no stretch.
    """
    found = {segment.instrument for segment in segments}
    return _in_order([*segments, *(segment for segment in strongest if segment.instrument not in found)], codes)


def _segment(code: str, start_s: float, end_s: float, score: float) -> Segment:
    return Segment(code, round(float(start_s), 6), round(float(end_s), 6), round(float(score), 6))


def _in_order(segments: Sequence[Segment], codes: Sequence[str]) -> tuple[Segment, ...]:
    return tuple(sorted(segments, key=lambda segment: (segment.start_s, codes.index(segment.instrument))))
