"""Each rung predicts what the one below it does, and clip scores are evaluation's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch
from model_fixtures import RATE_HZ, clip_samples, tiny_card, tiny_model
from predicting.made import Steady, ladder_of

from instrumentarium.decoding.stream import SampleStream
from instrumentarium.ingestion.audio import decode_clip
from instrumentarium.predicting.ladder import Audio2Timeline, Files2Table, OverlapError, Samples2Scores, Windows2Scores
from instrumentarium.predicting.loading import share_cores
from instrumentarium.scoring.recognizer import Recognizer
from taxonomies import BAND3

Music = Callable[..., npt.NDArray[np.float64]]
LOW = 0.01


def ladder(recognizer: Recognizer) -> Files2Table:
    return ladder_of(recognizer, LOW)


def test_windows_have_the_models_scores_without_its_embeddings(recognizer: Recognizer):
    windows = np.random.default_rng(0).integers(-9999, 9999, (3, 4000)).astype(np.int16)
    scores = Windows2Scores(recognizer)(windows)
    assert scores.shape == (3, len(recognizer.card.taxonomy))
    np.testing.assert_array_equal(scores, recognizer.windows(windows)[:, : scores.shape[1]])


def test_a_model_of_other_instruments_predicts_those(song: Path):
    found = ladder_of(Steady(BAND3, [0.9, 0.2, 0.6]), 0.5).file2timeline(song)
    assert found.taxonomy.codes == BAND3.codes
    np.testing.assert_allclose(found.scores, [0.9, 0.2, 0.6], rtol=1e-6)
    assert found.present.tolist() == [True, False, True]
    assert [(part.instrument, part.start_s, part.end_s) for part in found.segments] == [
        ("banjo", 0.0, 1.3),
        ("steel_drums", 0.0, 1.3),
    ]


@pytest.mark.parametrize("clip_score", ["mean", "max"])
@pytest.mark.parametrize("duration_s", [0.1, 0.4, 0.5, 1.3, 12.7])
def test_clip_scores_are_those_of_evaluation(tmp_path: Path, music: Music, duration_s: float, clip_score: str):
    card = tiny_card()
    card = card.model_copy(update={"windows": card.windows.model_copy(update={"clip_score": clip_score})})
    recognizer = Recognizer(tiny_model(), card, torch.device("cpu"))
    soundfile.write(tmp_path / "a.wav", music(44100, duration_s, 2), 44100)
    clip = decode_clip((tmp_path / "a.wav").read_bytes(), RATE_HZ).samples
    scores = Samples2Scores(Windows2Scores(recognizer))(SampleStream.of_file(tmp_path / "a.wav", RATE_HZ)).clip()
    np.testing.assert_allclose(scores, recognizer.clips(clip_samples([clip])).scores[0], atol=1e-6)


def test_files_in_one_batch_score_as_each_alone(recognizer: Recognizer, tmp_path: Path, music: Music):
    paths = []
    for number, duration_s in enumerate([0.2, 5.0, 0.7, 11.3, 0.1, 3.0]):
        paths.append(tmp_path / f"{number}.wav")
        soundfile.write(paths[-1], (0.3 + 0.1 * number) * music(8000, duration_s), 8000)
    table = ladder(recognizer)
    together = list(table(paths))
    assert [found.path for found in together] == [str(path) for path in paths]
    for path, found in zip(paths, together, strict=True):
        alone = table.file2timeline(path)
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-6)
        assert found.duration_s == alone.duration_s
        assert len(found.segments) == len(alone.segments)


def test_a_bad_file_among_good_ones_has_its_error_in_its_place(recognizer: Recognizer, song: Path):
    bad, gone = song.with_name("bad.wav"), song.with_name("gone.wav")
    bad.write_bytes(song.read_bytes()[:40000])
    found = list(ladder(recognizer)([song, bad, gone, song]))
    assert [result.error is None for result in found] == [True, False, False, True]
    assert "truncated" in str(found[1].error)
    assert found[2].error == "No such file or directory"
    np.testing.assert_allclose(found[3].scores, found[0].scores, atol=1e-6)


@pytest.mark.parametrize(("cores", "shared"), [(1, (1, 1)), (2, (2, 1)), (4, (4, 1)), (16, (4, 4)), (18, (4, 4))])
def test_cores_are_shared_out_between_batches(cores: int, shared: tuple[int, int]):
    assert share_cores(cores) == shared


def test_silence_has_no_instrument(recognizer: Recognizer, tmp_path: Path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(20000), 8000)
    found = ladder(recognizer).file2timeline(tmp_path / "silence.wav")
    assert not found.present.any()
    assert not found.scores.any()
    assert found.segments == ()
    assert found.error is None


def test_nothing_plays_in_a_silent_stretch(recognizer: Recognizer, music: Music):
    waveform = np.concatenate([music(8000, 4.0), np.zeros((32000, 1)), music(8000, 4.0)])
    found = ladder(recognizer).file2timeline.audio2timeline(waveform, 8000, "name")
    assert found.path == "name"
    assert found.segments
    assert not any(part.start_s < 6 < part.end_s for part in found.segments)


def test_a_temperature_moves_reported_scores_and_decides_nothing(recognizer: Recognizer, music: Music):
    waveform = np.concatenate([music(8000, 4.0), np.zeros((32000, 1)), music(8000, 4.0)])
    scores = Samples2Scores(Windows2Scores(recognizer))
    thresholds = np.full(len(recognizer.card.taxonomy), 0.5)
    plain = Audio2Timeline(scores, thresholds)(waveform, 8000)
    warm = Audio2Timeline(scores, thresholds, temperature=2.0)(waveform, 8000)
    np.testing.assert_allclose(warm.scores, 1 / (1 + ((1 - plain.scores) / plain.scores) ** 0.5))
    np.testing.assert_array_equal(warm.present, plain.present)
    assert 0 < plain.present.sum() < len(recognizer.card.taxonomy)
    assert [(part.instrument, part.start_s, part.end_s) for part in warm.segments] == [
        (part.instrument, part.start_s, part.end_s) for part in plain.segments
    ]
    silence = plain.frames.max(axis=1) == 0
    assert silence.any()
    np.testing.assert_array_equal(warm.frames[silence], 0)
    assert np.abs(warm.frames[~silence] - 0.5).max() < np.abs(plain.frames[~silence] - 0.5).max()


def test_overlap_sets_how_many_windows_there_are(recognizer: Recognizer, music: Music):
    for overlap, windows in ((0.0, 4), (0.5, 7), (0.75, 13), (None, 7)):
        stream = SampleStream.of_array(music(8000, 2.0), 8000, 8000)
        assert len(Samples2Scores(Windows2Scores(recognizer), overlap)(stream).scores) == windows


@pytest.mark.parametrize("overlap", [-0.1, 1.0, float("nan")])
def test_an_impossible_overlap_is_refused(recognizer: Recognizer, overlap: float):
    with pytest.raises(OverlapError, match="share of the window"):
        Samples2Scores(Windows2Scores(recognizer), overlap)


def test_no_file_gives_an_empty_table(recognizer: Recognizer):
    assert list(ladder(recognizer)([])) == []
