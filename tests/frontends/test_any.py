"""What holds for every front end that makes spectra: alone, and in a model that is trained, saved, scored and explained."""

from pathlib import Path

import numpy as np
import pytest
import torch
from estimates import estimates
from explaining.made import scored_clips
from frontends.signals import SPECTRAL, music
from model_fixtures import RATE_HZ, RECIPE, WINDOWS, Parts, clip_samples, noise_clips, timbre_data, tiny_run
from predicting.made import save

from instrumentarium.explaining.choosing import choose_clips
from instrumentarium.explaining.strongest import explain_strongest
from instrumentarium.frontends.base import PowerFrontEnd
from instrumentarium.frontends.build import build_frontend
from instrumentarium.frontends.normalisation import Normalise
from instrumentarium.frontends.params import AnyFrontEndParams
from instrumentarium.predicting.exporting import export_model
from instrumentarium.predicting.onnxgraph import OnnxExportError
from instrumentarium.scoring.recognizer import Recognizer
from instrumentarium.statistics.bands import band_statistics
from instrumentarium.training.task import RecognitionTask

NO_ONNX = {kind: f"the front end {kind} filters by Fourier transforms" for kind in ("cqt", "scalogram")}
"""Kinds that ONNX has no word for, and what the error says."""


@pytest.fixture(params=SPECTRAL)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def params(kind: str) -> AnyFrontEndParams:
    return SPECTRAL[kind]


@pytest.fixture
def frontend(params: AnyFrontEndParams) -> PowerFrontEnd:
    frontend = build_frontend(params, RATE_HZ)
    assert isinstance(frontend, PowerFrontEnd)
    return frontend


@pytest.mark.parametrize("samples", [100, 800, 4000, 5001, 24000])
def test_features_have_the_shape_the_front_end_states(frontend: PowerFrontEnd, samples: int):
    features = frontend(0.1 * torch.randn(3, samples, generator=torch.Generator().manual_seed(0)))
    assert features.shape[:3] == (3, frontend.channels, frontend.rows)
    assert features.shape[3] >= 1
    assert features.isfinite().all()
    power = frontend.power(music(samples))
    assert power.shape[1:] == (len(frontend.power_axes.band_centres_hz), features.shape[3])
    assert (power >= 0).all()
    if frontend.axes is not None:
        assert len(frontend.axes.band_centres_hz) == frontend.rows
    assert features.shape[3] == pytest.approx(samples / RATE_HZ / frontend.power_axes.frame_s, abs=3)


def test_no_feature_rests_on_a_processor_s_estimates(frontend: PowerFrontEnd):
    with estimates() as seen:
        frontend(music(4000))
    assert not seen


def test_band_centres_rise_below_nyquist(frontend: PowerFrontEnd):
    centres = frontend.power_axes.band_centres_hz
    assert (centres.diff() > 0).all()
    assert 0 <= centres[0] < centres[-1] <= RATE_HZ / 2


def test_the_band_around_a_tone_has_the_most_power(frontend: PowerFrontEnd):
    time = torch.arange(8000) / RATE_HZ
    centres = frontend.power_axes.band_centres_hz
    for band in (len(centres) // 2, 3 * len(centres) // 4):
        power = frontend.power(torch.sin(2 * torch.pi * float(centres[band]) * time)[None])
        assert int(power[0, :, power.shape[2] // 2].argmax()) == band


def test_a_window_has_the_same_features_whatever_else_is_in_the_batch(frontend: PowerFrontEnd):
    waveforms = torch.cat([music(4000), music(4000, seed=1)])
    alone = torch.cat([frontend(waveform[None]) for waveform in waveforms])
    torch.testing.assert_close(frontend(waveforms), alone, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_silence_and_a_constant_are_finite(frontend: PowerFrontEnd, level: float):
    assert frontend(torch.full((2, 4000), level)).isfinite().all()


def test_nothing_is_learned_or_stored(frontend: PowerFrontEnd):
    assert not list(frontend.parameters())
    assert not frontend.state_dict()
    assert not frontend(music(4000)).requires_grad


def test_float32_is_kept_under_mixed_precision(frontend: PowerFrontEnd):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = frontend(music(4000))
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, frontend(music(4000)), atol=0, rtol=0)


def test_another_input_rate_gives_as_many_features(params: AnyFrontEndParams, frontend: PowerFrontEnd):
    resampled = build_frontend(params, 2 * RATE_HZ)(music(8000, 2 * RATE_HZ))
    assert resampled.shape == frontend(music(4000)).shape


def test_statistics_bring_every_channel_and_row_to_mean_0_and_deviation_1(frontend: PowerFrontEnd):
    clips = noise_clips([4000, 12000], seed=2)
    stats = band_statistics(frontend, clip_samples(clips), 4000, torch.device("cpu"))
    assert [len(row) for row in stats.mean] == [frontend.rows] * frontend.channels
    windows = torch.from_numpy(np.concatenate(clips).reshape(-1, 4000)).float() / 32767
    normalised = Normalise(stats)(frontend(windows))
    torch.testing.assert_close(normalised.mean(dim=(0, 3)), torch.zeros(stats_shape(frontend)), atol=2e-3, rtol=0)
    varies = torch.tensor(stats.std) > 1.0  # what varies less is left as it is
    torch.testing.assert_close(
        normalised.std(dim=(0, 3), correction=0)[varies], torch.ones(int(varies.sum())), atol=2e-3, rtol=0
    )


def stats_shape(frontend: PowerFrontEnd) -> tuple[int, int]:
    return frontend.channels, frontend.rows


def test_it_is_trained_under_every_augmentation(params: AnyFrontEndParams):
    run = tiny_run(Parts(params).build())
    data = timbre_data(8, seed=0)
    task = RecognitionTask(run, data, data)
    optimizer = torch.optim.AdamW(task.parameters(), lr=RECIPE.learning_rate)
    batches = list(task.train_dataloader())
    before = {name: weights.clone() for name, weights in run.model.named_parameters()}
    for number, batch in enumerate(batches[:3]):
        loss = task.training_step(batch, number)
        assert loss.isfinite()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert any(not torch.equal(before[name], weights) for name, weights in run.model.named_parameters())


def test_it_is_saved_loaded_and_scores_with_pitch_shifts(params: AnyFrontEndParams, tmp_path: Path):
    parts = Parts(params)
    save(tmp_path / "model", parts)
    recognizer = Recognizer.load(tmp_path / "model", torch.device("cpu"))
    assert recognizer.card.frontend == params
    clips = clip_samples(noise_clips([4000, 9001]))
    found = recognizer.clips(clips)
    assert found.scores.shape == (2, len(parts.taxonomy))
    assert np.isfinite(found.scores).all()
    model = parts.build(3, WINDOWS.pitch_shift_semitones).eval()
    windows = np.stack(noise_clips([4000] * 2))
    with torch.inference_mode():
        expected = model(torch.from_numpy(windows) / 32767).sigmoid()
    np.testing.assert_allclose(recognizer.windows(windows)[:, :11], expected.numpy(), atol=1e-4)


def test_a_clip_is_explained_on_a_spectrogram(params: AnyFrontEndParams, frontend: PowerFrontEnd):
    parts = Parts(params)
    scored = scored_clips(6)
    samples = clip_samples(noise_clips([6000] * 6), scored.clip_ids)
    choice = choose_clips(scored, 1)[0]
    window = explain_strongest(parts.build().eval(), parts.card(), samples, choice, "gradients")
    assert window.spectrogram.shape == window.evidence.shape
    assert np.isfinite(window.evidence).all()
    assert window.evidence.max() == 1
    same_in_all_bands = np.allclose(window.evidence, window.evidence[:1], atol=1e-6)
    assert same_in_all_bands == (frontend.axes is None)


def test_it_is_exported_or_the_error_says_why_not(params: AnyFrontEndParams, kind: str, tmp_path: Path):
    save(tmp_path / "model", Parts(params))
    if kind in NO_ONNX:
        with pytest.raises(OnnxExportError, match=NO_ONNX[kind]):
            export_model(tmp_path / "model", tmp_path / "out.onnx", None)
        return
    found = export_model(tmp_path / "model", tmp_path / "out.onnx", clip_samples(noise_clips([4000, 9001])))
    assert found.largest_difference <= 1e-5
