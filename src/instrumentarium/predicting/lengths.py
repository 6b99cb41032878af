"""How a model's answer, its time and its memory depend on length: the same audio, longer and longer."""

import functools
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from instrumentarium.decoding.decoder import decode_blocks
from instrumentarium.decoding.pcm import SHORTEST_S, AudioError, Block
from instrumentarium.decoding.stream import SampleStream
from instrumentarium.predicting.ladder import Files2Table
from instrumentarium.predicting.prediction import Prediction, instruments_content
from instrumentarium.predicting.timeline import FloatArray
from instrumentarium.predicting.windowscores import WindowScores
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.memory import peak_mb, reset_peak_mb
from instrumentarium.tables.taxonomy import Taxonomy

LENGTHS_S = (0.1, 1.0, 5.0, 10.0, 60.0, 300.0, 1800.0, 3600.0)
LONGEST_S = 36000.0
SHORT_FRAMES = 1 << 19
"""A file with fewer frames is held and repeated from memory: opening it again for each turn would take the time."""


class LengthError(UserError, ValueError):
    """A length that cannot be analysed, or no audio from the chosen start on."""


@dataclass(frozen=True)
class LengthResult:
    """What a model predicts at one length, and what that takes."""

    length_s: float
    taxonomy: Taxonomy
    scores: FloatArray  # (instruments,)
    present: npt.NDArray[np.bool_]  # (instruments,)
    time_s: float  # on the clock, decoding included
    memory_mb: float  # the most that was held above the loaded model

    @property
    def speed(self) -> float:
        """How many times faster than the audio plays."""
        return self.length_s / self.time_s

    def content(self) -> dict[str, object]:
        """Return it as JSON writes it."""
        return {
            "length_s": self.length_s,
            "instruments": instruments_content(self.taxonomy, self.scores, self.present),
            "time_s": round(self.time_s, 4),
            "speed": round(self.speed, 1),
            "memory_mb": round(self.memory_mb, 1),
        }


def predict_lengths(
    path: Path, files2table: Files2Table, lengths_s: Sequence[float] = LENGTHS_S, start_s: float = 0.0
) -> Iterator[LengthResult]:
    """Yield what the model predicts for the first seconds of a file from `start_s` on, for each length.

    Where the file ends earlier it is repeated, from `start_s` again. Lengths come in rising order.

    Raises:
        LengthError: if a length is shorter than 0.1 s or longer than 10 hours, or the file ends before `start_s`.
        AudioError: if the file cannot be used.
        OSError: if it cannot be opened.
    """
    if not lengths_s or not all(SHORTEST_S <= length <= LONGEST_S for length in lengths_s) or not 0 <= start_s < np.inf:
        raise LengthError(
            f"lengths are from {SHORTEST_S} s to {LONGEST_S:g} s, the start is 0 s or later; "
            f"found {', '.join(f'{length:g}' for length in lengths_s) or 'no length'} from {start_s:g}"
        )
    audio2timeline, streams2scores = files2table.audio2timeline, files2table.streams2scores

    def predict(length_s: float) -> Prediction:
        blocks = functools.partial(excerpt, path, start_s, length_s)
        (scores,) = streams2scores([SampleStream(blocks, audio2timeline.samples2scores.sample_rate_hz)])
        if not isinstance(scores, WindowScores):
            raise scores
        return audio2timeline.decide(scores, "")

    predict(SHORTEST_S)  # what is done once, at first use, is no length's
    loaded_mb = reset_peak_mb()
    for length_s in sorted(set(lengths_s)):
        reset_peak_mb()
        began = time.perf_counter()
        found = predict(length_s)
        time_s = time.perf_counter() - began
        memory_mb = max(0.0, peak_mb() - loaded_mb)
        yield LengthResult(length_s, found.taxonomy, found.scores, found.present, time_s, memory_mb)


def excerpt(path: Path, start_s: float, length_s: float) -> Iterator[Block]:
    """Yield `length_s` of a file from `start_s` on, which begins again there as often as it ends.

    Raises:
        LengthError: if the file ends before `start_s`.
        AudioError: if the file cannot be used.
    """
    left = None  # frames still to come
    source = _turn(path, start_s)
    while left is None or left > 0:
        frames, held = 0, list[Block]()
        for block in source:
            if left is None:
                left = round(length_s * block.sample_rate_hz)
            frames += len(block.samples)
            if frames <= SHORT_FRAMES:
                held.append(block)
            if len(block.samples) >= left:
                yield replace(block, samples=block.samples[:left])
                return
            left -= len(block.samples)
            yield block
        if left is None or not frames:
            raise LengthError(f"{path} ends before {start_s:g} s; choose an earlier start")
        whole = frames <= SHORT_FRAMES and len({block.samples.dtype for block in held}) == 1
        source = _again(held, frames) if whole else _turn(path, start_s)


def _again(held: list[Block], frames: int) -> Iterator[Block]:
    """Yield what is held, repeated to a block of a fair size."""
    once = np.concatenate([block.samples for block in held])
    yield replace(held[0], samples=np.tile(once, (max(1, SHORT_FRAMES // frames), 1)))


def _turn(path: Path, start_s: float) -> Iterator[Block]:
    """Yield the blocks of a file from `start_s` on."""
    passed = 0
    for block in decode_blocks(path):
        skipped = max(0, round(start_s * block.sample_rate_hz) - passed)
        passed += len(block.samples)
        if skipped < len(block.samples):
            yield replace(block, samples=block.samples[skipped:])
    if not passed:
        raise AudioError("the file holds no audio frame")


def duration_text(seconds: float) -> str:
    """Return a length as people say it: whole minutes as such, all else in seconds."""
    return f"{seconds / 60:g} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds:g} s"


def as_table(found: Sequence[LengthResult]) -> str:
    """Return a line a length, of which there is at least one: scores by code, a star where the instrument plays; costs."""
    codes = found[0].taxonomy.codes
    widths = [max(5, len(code)) for code in codes]
    titles = "  ".join(f"{code:>{width}}" for code, width in zip(codes, widths, strict=True))
    lines = [f"{'length':>8}  {titles}  {'time':>9}  {'× real time':>11}  {'memory':>8}"]
    for one in found:
        marked = [f"{score:.2f}{'*' if plays else ' '}" for score, plays in zip(one.scores, one.present, strict=True)]
        scores = "  ".join(f"{text:>{width}}" for text, width in zip(marked, widths, strict=True))
        cost = f"{one.time_s:>7.3f} s  {one.speed:>11,.0f}  {one.memory_mb:>5.0f} MB"
        lines.append(f"{duration_text(one.length_s):>8}  {scores}  {cost}")
    return "\n".join(lines)


def as_json(found: Sequence[LengthResult]) -> str:
    """Return a JSON list, one object a length."""
    return json.dumps([one.content() for one in found], allow_nan=False, indent=2)
