"""Whole recordings cut into clips: no sample lost, labels from what sounds when."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from instrumentarium.corpora.source.cutting import (
    LONGEST_CLIP_S,
    WholeRecording,
    begins_recording,
    between,
    cut,
    labels_between,
    merge,
)
from instrumentarium.corpora.source.members import Rejection, SourceClip, Stretch

Encoder = Callable[..., bytes]
RATE = 1000


def recording(data: bytes, *sounding: Stretch, unsure: tuple[str, ...] = ()) -> WholeRecording:
    return WholeRecording("top/a.wav", data, "r", sounding, "train", "CC0", unsure)


@pytest.mark.parametrize(
    ("kind", "subtype"), [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "PCM_24"), ("FLAC", "PCM_24")]
)
@pytest.mark.parametrize("duration_s", [0.5, 9.0, 10.0, 14.999, 15.0, 37.5])
def test_the_clips_together_are_the_recording(audio: Encoder, kind: str, subtype: str, duration_s: float):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (round(duration_s * RATE), 2))
    data = audio(samples, RATE, kind, subtype)
    clips = [item for item in cut(recording(data)) if isinstance(item, SourceClip)]
    pieces = [soundfile.read(io.BytesIO(clip.data), dtype="float64", always_2d=True)[0] for clip in clips]
    whole = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)[0]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert all(5.0 <= len(piece) / RATE < LONGEST_CLIP_S for piece in pieces) or len(pieces) == 1
    assert [clip.path for clip in clips][:2] == ["top/a/0000s.wav", "top/a/0010s.wav"][: len(clips)]
    assert [begins_recording(clip) for clip in clips] == [True] + [False] * (len(clips) - 1)
    assert {(clip.recording, clip.official_split, clip.licence) for clip in clips} == {("r", "train", "CC0")}


def test_what_is_no_audio_is_rejected():
    (found,) = cut(recording(b"not audio"))
    assert isinstance(found, Rejection)
    assert (found.path, found.official_split) == ("top/a.wav", "train")
    assert found.reason.startswith("not readable as audio: ")
    assert begins_recording(found)


def test_samples_of_a_kind_that_would_change_are_rejected(audio: Encoder):
    (found,) = cut(recording(audio(np.zeros((RATE, 1)), RATE, "WAV", "ULAW")))
    assert isinstance(found, Rejection)
    assert "recordings are PCM_16, PCM_24" in found.reason


def test_stretches_that_touch_or_overlap_are_one():
    assert merge([("b", 0, 1), ("a", 2, 3), ("a", 0, 1), ("a", 1, 1.5), ("a", 1.2, 1.4), ("a", 5, 5)]) == [
        ("a", 0, 1.5),
        ("a", 2, 3),
        ("b", 0, 1),
    ]


def test_what_sounds_is_timed_from_the_clips_beginning():
    assert between([("a", 8.0, 11.5), ("b", 20.0, 21.0)], 10.0, 20.0) == (("a", 0.0, 1.5),)


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        ([("a", 10.0, 10.5)], 1.0),  # half a second
        ([("a", 10.0, 10.2), ("a", 15.0, 15.3)], 1.0),  # half a second in all
        ([("a", 10.0, 10.4)], 0.5),  # too little to be sure of
        ([("a", 7.0, 8.5)], 0.5),  # may still ring
        ([("a", 7.0, 7.9)], None),
        ([("a", 20.2, 22.0)], 0.5),  # may begin earlier than stated
        ([("a", 20.3, 22.0)], None),
    ],
)
def test_a_label_is_present_unknown_or_absent(stretches: list[Stretch], expected: float | None):
    found = labels_between(merge(stretches), 10.0, 20.0)
    assert found.pop("*") == 0.0
    assert found == ({} if expected is None else {"a": expected})


def test_of_a_label_that_nobody_timed_nothing_is_known_unless_it_sounds_elsewhere():
    assert labels_between([], 0.0, 10.0, ["a"]) == {"a": 0.5, "*": 0.0}
    assert labels_between([("a", 0.0, 5.0)], 0.0, 10.0, ["a"]) == {"a": 1.0, "*": 0.0}
