import numpy as np
import pytest
import torch
from model_fixtures import FRONTEND, clip_samples, noise_clips
from pydantic import ValidationError

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.normalisation import Stats
from instrumentarium.statistics.bands import band_statistics

CPU = torch.device("cpu")
WINDOW = 4000


def statistics(samples: ClipSamples, batch_size: int = 64) -> Stats:
    return band_statistics(LogMel(FRONTEND, 8000), samples, WINDOW, CPU, batch_size)


def all_frames(clips: list[np.ndarray]) -> np.ndarray:
    """Return the frames of clips that are whole windows long, (bands, frames)."""
    windows = torch.from_numpy(np.concatenate(clips).reshape(-1, WINDOW)).float() / 32767
    return np.concatenate(list(LogMel(FRONTEND, 8000)(windows)[:, 0].numpy().astype(np.float64)), axis=1)


def test_statistics_equal_numpys_over_all_frames():
    clips = noise_clips([WINDOW, 3 * WINDOW, 2 * WINDOW, WINDOW])
    frames = all_frames(clips)
    stats = statistics(clip_samples(clips))
    assert stats.frames == frames.shape[1]
    np.testing.assert_allclose(stats.mean, frames.mean(axis=1), atol=6e-4)
    np.testing.assert_allclose(stats.std, frames.std(axis=1), atol=6e-4)


def test_batches_do_not_matter():
    samples = clip_samples(noise_clips([WINDOW] * 7))
    assert statistics(samples, 1) == statistics(samples, 3) == statistics(samples, 64)


def test_small_deviations_around_a_low_level_do_not_cancel():
    time = np.arange(20 * WINDOW) / 8000
    swell = 10 ** (2.0 * np.sin(2 * np.pi * 0.2 * time) / 20)
    quiet = (60 * swell * np.random.default_rng(0).standard_normal(len(time))).astype("<i2")
    frames = all_frames([quiet])
    np.testing.assert_allclose(statistics(clip_samples([quiet])).std, np.maximum(frames.std(axis=1), 1), atol=6e-4)


def test_only_the_clips_handed_in_count():
    quiet, loud = noise_clips([2 * WINDOW]), [np.full(2 * WINDOW, 32000, np.int16)]
    both = clip_samples(quiet + loud)
    first = ClipSamples(both.clip_ids[:1], both.stores, (0,), both.first_sample[:1], both.n_samples[:1])
    assert statistics(first) == statistics(clip_samples(quiet))
    assert statistics(both) != statistics(first)


def test_a_band_that_never_changes_is_not_blown_up():
    stats = statistics(clip_samples([np.zeros(2 * WINDOW, np.int16)]))
    np.testing.assert_allclose(stats.mean, -100.0, atol=1e-3)
    assert stats.std == (1.0,) * 16


def test_no_clip_is_an_error():
    with pytest.raises(ValueError, match="no training clip to take statistics of"):
        statistics(clip_samples([]))


def test_statistics_survive_json_and_refuse_nonsense():
    stats = statistics(clip_samples(noise_clips([WINDOW])))
    assert Stats.model_validate_json(stats.model_dump_json()) == stats
    with pytest.raises(ValidationError):
        Stats(mean=(0.0,), std=(0.0,), frames=1)
