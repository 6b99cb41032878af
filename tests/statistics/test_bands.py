import numpy as np
import pytest
import torch
from model_fixtures import FRONTEND, clip_samples, noise_clips
from pydantic import ValidationError

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.frontends.logmel import LogMel
from instrumentarium.frontends.normalisation import NO_NORMALISATION, Normalisation, Normalise
from instrumentarium.frontends.params import FixedNormalisation
from instrumentarium.statistics.bands import band_statistics, normalisation_for

CPU = torch.device("cpu")
WINDOW = 4000


def statistics(samples: ClipSamples, batch_size: int = 64) -> Normalisation:
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
    np.testing.assert_allclose(stats.mean[0], frames.mean(axis=1), atol=6e-4)
    np.testing.assert_allclose(stats.std[0], frames.std(axis=1), atol=6e-4)


def test_batches_do_not_matter():
    samples = clip_samples(noise_clips([WINDOW] * 7))
    assert statistics(samples, 1) == statistics(samples, 3) == statistics(samples, 64)


def test_small_deviations_around_a_low_level_do_not_cancel():
    time = np.arange(20 * WINDOW) / 8000
    swell = 10 ** (2.0 * np.sin(2 * np.pi * 0.2 * time) / 20)
    quiet = (60 * swell * np.random.default_rng(0).standard_normal(len(time))).astype("<i2")
    frames = all_frames([quiet])
    np.testing.assert_allclose(statistics(clip_samples([quiet])).std[0], np.maximum(frames.std(axis=1), 1), atol=6e-4)


def test_only_the_clips_handed_in_count():
    quiet, loud = noise_clips([2 * WINDOW]), [np.full(2 * WINDOW, 32000, np.int16)]
    both = clip_samples(quiet + loud)
    first = ClipSamples(both.clip_ids[:1], both.stores, (0,), both.first_sample[:1], both.n_samples[:1])
    assert statistics(first) == statistics(clip_samples(quiet))
    assert statistics(both) != statistics(first)


def test_a_band_that_never_changes_is_not_blown_up():
    stats = statistics(clip_samples([np.zeros(2 * WINDOW, np.int16)]))
    np.testing.assert_allclose(stats.mean[0], -100.0, atol=1e-3)
    assert stats.std == ((1.0,) * 16,)


def test_no_clip_is_an_error():
    with pytest.raises(ValueError, match="no training clip to take statistics of"):
        statistics(clip_samples([]))


def test_statistics_survive_json_and_refuse_nonsense():
    stats = statistics(clip_samples(noise_clips([WINDOW])))
    assert Normalisation.model_validate_json(stats.model_dump_json()) == stats
    for kind, mean, std in (
        ("per_band", ((0.0,),), ((0.0,),)),
        ("per_band", ((0.0, 1.0),), ((1.0,),)),
        ("per_band", (), ()),
        ("none", ((0.0,),), ((1.0,),)),
        ("fixed", ((0.0, 1.0),), ((1.0, 1.0),)),
    ):
        with pytest.raises(ValidationError):
            Normalisation(kind=kind, mean=mean, std=std, frames=1)


def test_only_statistics_look_at_the_clips():
    nothing = clip_samples([])
    assert normalisation_for("none", LogMel(FRONTEND, 8000), nothing, WINDOW, CPU) == NO_NORMALISATION
    fixed = normalisation_for(FixedNormalisation(mean=-4.0, std=4.5), LogMel(FRONTEND, 8000), nothing, WINDOW, CPU)
    assert (fixed.kind, fixed.mean, fixed.std) == ("fixed", ((-4.0,),), ((4.5,),))
    clips = clip_samples(noise_clips([WINDOW]))
    assert normalisation_for("per_band", LogMel(FRONTEND, 8000), clips, WINDOW, CPU) == statistics(clips)


def test_normalisation_subtracts_the_mean_and_divides_by_the_deviation():
    features = torch.randn(2, 1, 16, 9)
    mean, std = tuple(float(-band) for band in range(16)), tuple(1.0 + band for band in range(16))
    per_band = Normalise(Normalisation(kind="per_band", mean=(mean,), std=(std,), frames=1))
    for band in range(16):
        torch.testing.assert_close(per_band(features)[:, :, band], (features[:, :, band] - mean[band]) / std[band])
    fixed = Normalise(Normalisation(kind="fixed", mean=((2.0,),), std=((4.0,),), frames=0))
    for any_features in (features, torch.randn(2, 100)):
        torch.testing.assert_close(fixed(any_features), (any_features - 2) / 4)
        assert torch.equal(Normalise(NO_NORMALISATION)(any_features), any_features)
    assert per_band.state_dict() == {}  # constants are the card's, not weights
