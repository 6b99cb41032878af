"""Recordings with soft ends and soft passages: too soft a window decides nothing, and what decides is in the timeline.

The model here tells timbres apart and nothing of loudness, as one with per-window level normalisation does: its three
instruments are low tones, high tones and noise. So a hiss is an instrument as loud as any.
"""

import numpy as np
import pytest
from model_fixtures import RATE_HZ, clip_samples
from predicting.timbre import Sound, Timbre, hiss, tone

from instrumentarium.clips.pooling import summarise_windows
from instrumentarium.decoding.stream import SampleStream
from instrumentarium.predicting.ladder import Audio2Timeline, Samples2Scores, Windows2Scores
from instrumentarium.predicting.prediction import Prediction
from instrumentarium.predicting.timeline import TimelineSettings
from taxonomies import BAND3

MUSIC_S, TAIL_S = 6.0, 8.0
THRESHOLD = 0.5
LOW, HIGH, NOISE = BAND3.codes
POOLINGS = ("mean", "max")


def decay(from_db: float, to_db: float, duration_s: float) -> Sound:
    return 10 ** (np.linspace(from_db, to_db, round(duration_s * RATE_HZ)) / 20)


def predict(sound: Sound, clip_score: str = "max", settings: TimelineSettings | None = None) -> Prediction:
    scores = Samples2Scores(Windows2Scores(Timbre(clip_score)))
    return Audio2Timeline(scores, np.full(len(BAND3), THRESHOLD), settings)(sound.astype(np.float32), RATE_HZ)


def playing(prediction: Prediction) -> set[str]:
    return {code for code, plays in zip(BAND3.codes, prediction.present, strict=True) if plays}


MUSIC = tone(300.0, MUSIC_S)
TAILS: dict[str, Sound] = {
    "a reverberation's end at -57 dB": hiss(TAIL_S, -57.0),
    "a reverberation of one second per 20 dB": hiss(TAIL_S, 0.0) * decay(-58.0, -140.0, TAIL_S),
    "another instrument's tone at -57 dB": tone(2500.0, TAIL_S, -57.0),
    "a fade of the music into the noise floor": tone(300.0, TAIL_S, 0.0) * decay(-20.0, -140.0, TAIL_S)
    + hiss(TAIL_S, -62.0),
    "the noise floor alone": hiss(TAIL_S, -65.0),
    "rounding noise": hiss(TAIL_S, -88.0),
    "silence": np.zeros(round(TAIL_S * RATE_HZ)),
}


@pytest.mark.parametrize("clip_score", POOLINGS)
@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS.keys())
def test_cutting_a_soft_tail_off_changes_no_decision(tail: Sound, clip_score: str):
    whole, cut = predict(np.concatenate([MUSIC, tail]), clip_score), predict(MUSIC, clip_score)
    assert playing(cut) == {LOW}
    assert playing(whole) == {LOW}
    assert {part.instrument for part in whole.segments} == {LOW}


def test_the_model_would_take_those_tails_for_instruments_by_themselves():
    assert playing(predict(TAILS["a reverberation's end at -57 dB"])) == {NOISE}
    assert playing(predict(TAILS["another instrument's tone at -57 dB"])) == {HIGH}


@pytest.mark.parametrize("clip_score", POOLINGS)
@pytest.mark.parametrize("gain_db", [-25.0, -10.0, 10.0])
def test_another_gain_of_the_whole_recording_changes_nothing(gain_db: float, clip_score: str):
    recording = np.concatenate([MUSIC, tone(2500.0, 3.0, -42.0), TAILS["a reverberation's end at -57 dB"]])
    louder = predict(recording * 10 ** (gain_db / 20), clip_score)
    plain = predict(recording, clip_score)
    np.testing.assert_allclose(louder.scores, plain.scores, atol=0.02)
    assert playing(louder) == playing(plain)


def test_a_recording_that_is_soft_throughout_has_its_instruments():
    assert playing(predict(np.concatenate([tone(300.0, 4.0, -57.0), tone(2500.0, 4.0, -57.0)]))) == {LOW, HIGH}


@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_a_pianissimo_25_db_below_the_loudest_keeps_its_instruments(place: str):
    soft, loud = tone(2500.0, 4.0, -45.0), MUSIC
    order = {"before": [soft, loud], "between": [loud, soft, loud], "after": [loud, soft]}[place]
    found = predict(np.concatenate(order))
    assert playing(found) == {LOW, HIGH}
    begins = {"before": 0.0, "between": MUSIC_S, "after": MUSIC_S}[place]
    high = [part for part in found.segments if part.instrument == HIGH]
    assert len(high) == 1
    assert high[0].start_s == pytest.approx(begins, abs=0.6)
    assert high[0].end_s == pytest.approx(begins + 4.0, abs=0.6)


def test_an_instrument_that_fades_away_leaves_where_it_is_too_soft():
    fading = tone(300.0, 12.0, 0.0) * decay(-20.0, -80.0, 12.0)
    (part,) = predict(np.concatenate([MUSIC, fading])).segments
    assert (part.instrument, part.start_s) == (LOW, 0.0)
    assert MUSIC_S + 6.0 < part.end_s < MUSIC_S + 8.5  # 30 to 40 dB down, of 5 dB a second


@pytest.mark.parametrize("clip_score", POOLINGS)
@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS.keys())
def test_evaluation_scores_the_recording_as_predict_does(tail: Sound, clip_score: str):
    sound = np.rint(np.concatenate([MUSIC, tail]) * 32767).astype(np.int16)
    model = Timbre(clip_score)
    quietest_db = model.card.windows.quietest_db
    summary = summarise_windows(clip_samples([sound]), 4000, 2000, 16, quietest_db, model.windows)
    expected = summary.maximum if clip_score == "max" else summary.mean
    stream = SampleStream.of_array(sound, RATE_HZ, RATE_HZ)
    scores = Samples2Scores(Windows2Scores(model))(stream).clip()
    np.testing.assert_allclose(scores, expected[0], rtol=1e-6)


def entries(number: int) -> Sound:
    """Return music with short entries of other instruments, at levels from -20 to -60 dB."""
    rng = np.random.default_rng(number)
    parts = [MUSIC]
    for _ in range(4):
        level_db, duration_s = rng.uniform(-60, -20), rng.uniform(0.2, 1.2)
        hz = (300.0, 2500.0, None)[int(rng.integers(3))]
        entry = hiss(duration_s, level_db) if hz is None else tone(hz, duration_s, level_db)
        parts += [entry, tone(300.0, 1.0)]
    return np.concatenate(parts)


@pytest.mark.parametrize("clip_score", POOLINGS)
@pytest.mark.parametrize("settings", [None, TimelineSettings(smooth_s=6.0, minimum_s=5.0)], ids=["usual", "coarse"])
def test_an_instrument_that_is_present_has_a_span_in_the_timeline(settings: TimelineSettings | None, clip_score: str):
    kept = 0
    for number in range(12):
        found = predict(entries(number), clip_score, settings)
        spans = {part.instrument for part in found.segments}
        assert playing(found) <= spans
        for part in found.segments:
            assert 0 <= part.start_s < part.end_s <= found.duration_s + 1e-6
        kept += sum(part.end_s - part.start_s < 1.0 for part in found.segments)
    assert clip_score == "mean" or kept  # some entry was too short for the settings, and is there


def test_the_only_entry_of_an_instrument_stands_where_it_sounds():
    found = predict(np.concatenate([MUSIC, tone(2500.0, 0.5, -25.0), MUSIC]))
    assert playing(found) == {LOW, HIGH}
    (part,) = (part for part in found.segments if part.instrument == HIGH)
    assert (part.start_s, part.end_s) == (MUSIC_S, MUSIC_S + 0.5)
    assert part.score == pytest.approx(float(found.scores[BAND3.codes.index(HIGH)]), abs=1e-6)
