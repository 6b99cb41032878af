"""No class of the miniature is betrayed by a trivial cue: loudness, peaks, duration, silence, place in the archive."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from instrumentarium.miniature.layouts import esc50, irmas_training
from instrumentarium.runtime.workers import map_in_order, worker_pool

SEED = 2026
RECORDINGS = 14
FRAME = 882  # 20 ms


def _cues(samples: np.ndarray) -> list[float]:
    """RMS, peak, crest, duration, silence against full scale and against the RMS, leading and trailing silence."""
    signal = samples.reshape(len(samples), -1).astype(np.float64) / 32768
    rms_db = 20 * np.log10(np.sqrt(np.mean(signal**2)) + 1e-9)
    peak_db = 20 * np.log10(np.abs(signal).max() + 1e-9)
    frames = signal[: len(signal) // FRAME * FRAME].reshape(-1, FRAME * signal.shape[1])
    levels = 20 * np.log10(np.sqrt(np.mean(frames**2, axis=1)) + 1e-7)
    absolute = [float(np.mean(levels < limit)) for limit in (-60, -40)]
    relative = [float(np.mean(levels < rms_db - below)) for below in (6, 10, 20, 30, 40)]
    sounding = np.flatnonzero(levels > rms_db - 40)
    return [
        rms_db,
        peak_db,
        peak_db - rms_db,
        len(signal),
        *absolute,
        *relative,
        sounding[0],
        len(levels) - sounding[-1],
    ]


@pytest.fixture(scope="module")
def music():
    """Cues, labels and recordings of the training clips, as a full-size rendering holds them, planted flaws aside."""
    plan = irmas_training.plan_train(SEED, RECORDINGS)
    tasks = [(recording, take) for recording in plan for take in range(1, recording.clips + 1)]
    with worker_pool("processes") as pool:
        cues = [
            _cues(samples) for samples in map_in_order(pool, irmas_training.render_train_clip, tasks, "training clips")
        ]
    labels = np.array([recording.leader for recording, _ in tasks])
    return np.array(cues), labels, np.array([recording.number for recording, _ in tasks])


def _accuracy(model, cues, labels, groups) -> float:
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    predicted = cross_val_predict(model, cues, labels, groups=groups, cv=folds)
    return float(balanced_accuracy_score(labels, predicted))


def _bound(chance: float, recordings: int) -> float:
    """What a guesser exceeds once in a hundred times: normal bound on a binomial share of `recordings` guesses.

    The clips of a recording sound alike, so only recordings count as independent; that errs on the wide side.
    """
    return chance + 2.33 * float(np.sqrt(chance * (1 - chance) / recordings))


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(200, min_samples_leaf=2, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000)),
    ],
    ids=["forest", "logistic"],
)
def test_loudness_duration_and_silence_do_not_tell_the_instrument(music, model):
    cues, labels, groups = music
    assert _accuracy(model, cues, labels, groups) < _bound(1 / 11, 11 * RECORDINGS)


def test_the_number_in_the_name_does_not_tell_the_instrument(music):
    _, labels, groups = music
    model = RandomForestClassifier(100, min_samples_leaf=2, random_state=0)
    assert _accuracy(model, groups[:, None], labels, groups) < _bound(1 / 11, 11 * RECORDINGS)


def test_level_does_not_tell_noise_from_music(music):
    cues, _, groups = music
    effects = esc50.plan(SEED, 120)
    with worker_pool("processes") as pool:
        rendered = list(map_in_order(pool, esc50.render_clip, effects, "effects"))
    noise = np.array([_cues(samples[:132_299]) for samples in rendered])
    levels = np.vstack([cues[:, :3], noise[:, :3]])
    labels = np.r_[np.zeros(len(cues)), np.ones(len(noise))]
    sources = np.r_[groups, [effect.source for effect in effects]]
    model = RandomForestClassifier(200, min_samples_leaf=5, class_weight="balanced", random_state=0)
    fewer = len({effect.source for effect in effects})
    assert _accuracy(model, levels, labels, sources) < _bound(0.5, fewer)
