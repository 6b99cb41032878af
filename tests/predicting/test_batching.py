"""Batches shared by recordings, several at a time, decoded ahead of: the order and the results are those of one by one."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch
from predicting.made import ladder_of

from instrumentarium.decoding.pcm import Block
from instrumentarium.decoding.stream import SampleStream
from instrumentarium.predicting.batching import BATCH_SIZE, in_batches, read_ahead
from instrumentarium.scoring.recognizer import Recognizer

Music = Callable[..., npt.NDArray[np.float64]]
LOW = 0.01


class Slow:
    """A model that answers only when all blocks at hand have been decoded."""

    def __init__(self, recognizer: Recognizer) -> None:
        self.card, self.recognizer = recognizer.card, recognizer

    def windows(self, waveforms: torch.Tensor) -> npt.NDArray[np.float32]:
        time.sleep(0.1)
        return self.recognizer.windows(waveforms)


@pytest.mark.parametrize("windows", [31, 32, 33, 64])
def test_decoding_far_ahead_of_the_model_predicts_for_every_file_once(recognizer: Recognizer, song: Path, windows: int):
    samples = 4000 + 2000 * (windows - 1)
    soundfile.write(song.with_name("whole.wav"), np.full(samples, 0.1), 8000)
    soundfile.write(song.with_name("broken.wav"), np.append(np.full(samples, 0.1), np.nan), 8000, "FLOAT")
    paths = [song.with_name(name) for name in ("whole.wav", "broken.wav", "whole.wav", "song.wav")]
    found = list(ladder_of(Slow(recognizer), LOW)(paths))
    assert [Path(one.path).name for one in found] == ["whole.wav", "broken.wav", "whole.wav", "song.wav"]
    assert [one.error is None for one in found] == [True, False, True, True]


def test_several_workers_predict_what_one_does(recognizer: Recognizer, tmp_path: Path, music: Music):
    paths = []
    for number, duration_s in enumerate([9.0, 0.2, 21.0, 0.7, 11.3]):
        paths.append(tmp_path / f"{number}.wav")
        soundfile.write(paths[-1], (0.2 + 0.1 * number) * music(8000, duration_s), 8000)
    alone, together = (list(ladder_of(recognizer, LOW, workers=workers)(paths)) for workers in (1, 3))
    for first, second in zip(alone, together, strict=True):
        assert first.path == second.path
        np.testing.assert_allclose(first.frames, second.frames, atol=1e-6)


def test_an_error_of_the_model_is_raised_and_ends_the_decoding(recognizer: Recognizer, song: Path):
    class Broken:
        card = recognizer.card

        def windows(self, waveforms: torch.Tensor) -> npt.NDArray[np.float32]:
            raise ZeroDivisionError

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(ladder_of(Broken(), LOW)([song] * 200))
    assert threading.active_count() == before


@pytest.mark.parametrize("error", [MemoryError("Unable to allocate 64.0 GiB"), TypeError("no rate"), ValueError("?")])
@pytest.mark.parametrize("at", [0, 1])
def test_whatever_goes_wrong_with_a_file_is_its_own_error(
    recognizer: Recognizer, song: Path, error: Exception, at: int
):
    ladder = ladder_of(recognizer, LOW)
    rate_hz = ladder.audio2timeline.samples2scores.sample_rate_hz

    def blocks() -> Iterator[Block]:
        for number in range(2):
            if number == at:
                raise error
            yield Block(np.full((8000, 1), 0.1, np.float32), 8000, bounded=True)

    bad = SampleStream(blocks, rate_hz)
    good = [SampleStream.of_file(song, rate_hz) for _ in range(2)]
    first, failure, last = ladder.streams2scores([good[0], bad, good[1]])
    assert str(failure) == f"not usable: {type(error).__name__}: {error}"
    np.testing.assert_allclose(first.scores, last.scores, atol=1e-6)


@pytest.mark.parametrize("count", [0, 1, BATCH_SIZE, 2 * BATCH_SIZE + 1])
def test_batches_hold_every_item_in_order(count: int):
    batches = list(in_batches(range(count)))
    assert [item for batch in batches for item in batch] == list(range(count))
    assert all(len(batch) == BATCH_SIZE for batch in batches[:-1])


def test_what_is_made_ahead_comes_in_order_and_its_error_at_its_place():
    def items() -> Iterator[int]:
        yield from range(100)
        raise ZeroDivisionError

    made = read_ahead(items(), 3)
    assert [next(made) for _ in range(100)] == list(range(100))
    with pytest.raises(ZeroDivisionError):
        next(made)


def test_the_decoding_thread_ends_when_nobody_reads_any_more():
    before = threading.active_count()
    stream = read_ahead(iter(range(10**9)), 3)
    assert next(stream) == 0
    stream.close()
    assert threading.active_count() == before
