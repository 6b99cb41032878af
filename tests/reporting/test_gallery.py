import numpy as np
import pandas as pd
import pytest
from instrumentarium.reporting.spectrogram import FLOOR_DB, N_MELS, band_of, log_mel, mel_filters

from instrumentarium.clips.collection import read_clips
from instrumentarium.clips.labels import label_arrays
from instrumentarium.drawing.style import BLUE, styled
from instrumentarium.evaluation.thresholds import Thresholds
from instrumentarium.reporting.gallery import worst_clips
from instrumentarium.reporting.pictures import draw_failure
from instrumentarium.reporting.rows import ReportInputError
from instrumentarium.tables.schemas import SCORES, SETTLED_LABELS, SPLIT
from instrumentarium.tables.taxonomy import CODES


def inputs(world):
    sources = world.sources
    clips = read_clips(sources.corpora)
    known = label_arrays(clips, SETTLED_LABELS.read(sources.labels), irmas_train_absent="negative")
    return (
        *(SCORES.read(sources.scores), clips, known, SPLIT.read(sources.split)),
        Thresholds.read(sources.thresholds),
    )


def test_failures_are_wrong_observed_and_the_worst(world) -> None:
    scores, clips, known, split, thresholds = inputs(world)
    failures = worst_clips(scores, clips, known, split, thresholds, count=100)
    limits = dict(zip(CODES, thresholds.vector(), strict=True))
    table = scores.set_index("clip_id")
    test = split[split["split"] == "test"].set_index("clip_id")
    place = {clip_id: row for row, clip_id in enumerate(known.clip_ids)}
    assert failures
    for failure in failures:
        row, column = place[failure.clip_id], CODES.index(failure.instrument)
        score = table.loc[failure.clip_id, failure.instrument]
        assert failure.clip_id in test.index
        assert known.observed[row, column]
        assert known.targets[row, column] == (failure.kind == "miss")
        assert (score >= limits[failure.instrument]) == (failure.kind == "false positive")
        assert failure.margin == pytest.approx(abs(score - limits[failure.instrument]), abs=1e-6)
    for code in CODES:
        for kind in ("false positive", "miss"):
            mine = [failure for failure in failures if (failure.instrument, failure.kind) == (code, kind)]
            assert [failure.rank for failure in mine] == list(range(1, len(mine) + 1))
            assert [f.margin for f in mine] == sorted((f.margin for f in mine), reverse=True)
            assert len({failure.recording_id for failure in mine}) == len(mine)
            given = (table.loc[test.index, code] >= limits[code]).to_numpy()
            rows = [place[clip_id] for clip_id in test.index]
            k = CODES.index(code)
            plays, seen = known.targets[rows, k], known.observed[rows, k]
            wrong = seen & (given & ~plays if kind == "false positive" else ~given & plays)
            assert {failure.recording_id for failure in mine} == set(test["recording_id"][wrong])


def test_the_count_limits_and_zero_shows_none(world) -> None:
    few, all_ = (worst_clips(*inputs(world), count=count) for count in (1, 100))
    assert [failure for failure in all_ if failure.rank == 1] == few
    assert worst_clips(*inputs(world), count=0) == []


def test_a_perfect_model_has_no_failures(world) -> None:
    scores, clips, known, split, thresholds = inputs(world)
    perfect = known.take(scores["clip_id"].tolist()).targets.astype(float)
    scores = pd.DataFrame({"clip_id": scores["clip_id"], **dict(zip(CODES, perfect.T, strict=True))})
    assert worst_clips(scores, clips, known, split, thresholds, count=5) == []


def test_a_test_clip_without_scores_is_an_error(world) -> None:
    scores, *rest = inputs(world)
    test = rest[2][rest[2]["split"] == "test"]["clip_id"]
    with pytest.raises(ReportInputError, match="1 test clips are not in the table of scores"):
        worst_clips(scores[scores["clip_id"] != test.iloc[0]], *rest, count=1)


def test_a_picture_shows_every_score_and_what_plays(world) -> None:
    (failure, *_) = worst_clips(*inputs(world), count=1)
    with styled():
        _, bars = draw_failure(failure, np.ones(4000, dtype=np.int16), 8000).axes
    drawn = {bar.get_gid(): bar for container in bars.containers for bar in container}
    named = dict(zip(CODES, bars.containers, strict=True))
    assert {code: container[0].get_width() for code, container in named.items()} == failure.scores
    assert drawn is not None
    from matplotlib.colors import to_rgba

    blue = {code for code, container in named.items() if container[0].get_facecolor() == to_rgba(BLUE)}
    assert blue == set(failure.plays)


@pytest.mark.parametrize("frequency_hz", [200.0, 1000.0, 5000.0])
def test_a_tone_is_loudest_in_its_band(frequency_hz: float) -> None:
    rate = 32000
    tone = (10000 * np.sin(2 * np.pi * frequency_hz * np.arange(rate) / rate)).astype(np.int16)
    bands = log_mel(tone, rate)
    assert bands.max() == 0
    assert bands.min() >= FLOOR_DB
    assert abs(int(bands[:, 100].argmax()) - band_of(frequency_hz, rate)) <= 1.5


def test_silence_and_a_single_sample_have_a_spectrogram() -> None:
    assert (log_mel(np.zeros(5000, dtype=np.int16), 32000) == FLOOR_DB).all()
    assert log_mel(np.array([100], dtype=np.int16), 32000).shape == (N_MELS, 1)


def test_mel_filters_equal_librosas() -> None:
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(sr=32000, n_fft=2048, n_mels=N_MELS, fmin=40.0, fmax=16000, htk=True, norm="slaney")
    np.testing.assert_allclose(mel_filters(32000), expected, atol=1e-6)
