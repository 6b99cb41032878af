import itertools
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from model_fixtures import STILL, STRONG, augmented
from torch import Tensor

from instrumentarium.training.augment.waveforms import (
    WaveformDraw,
    apply_waveforms,
    draw_waveforms,
    unite_labels,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noises(batch: int = 32, samples: int = 8000) -> Tensor:
    """Return waveforms at levels from -60 to -20 dB."""
    levels = torch.logspace(-3, -1, batch)[:, None]
    return levels * torch.randn(batch, samples, generator=seeded(99))


def nothing(batch: int) -> WaveformDraw:
    return draw_waveforms(batch, STILL, seeded())


def decibels(ratio: Tensor) -> Tensor:
    return 20 * ratio.log10()


def level(waveforms: Tensor) -> Tensor:
    return waveforms.square().mean(dim=1).sqrt()


def test_the_same_seed_makes_the_same_draw():
    first, again, other = (draw_waveforms(64, STRONG, seeded(seed)) for seed in (1, 1, 2))
    for field in fields(WaveformDraw):
        one, two, three = (getattr(draw, field.name) for draw in (first, again, other))
        assert torch.equal(torch.as_tensor(one), torch.as_tensor(two))
        assert not torch.equal(torch.as_tensor(one), torch.as_tensor(three))
    waveforms = noises(64)
    assert torch.equal(apply_waveforms(waveforms, first), apply_waveforms(waveforms, again))


def test_the_global_generator_is_left_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    apply_waveforms(noises(), draw_waveforms(32, STRONG, seeded()))
    assert torch.equal(before, torch.get_rng_state())


def test_zero_strengths_change_nothing():
    waveforms = noises()
    assert torch.equal(apply_waveforms(waveforms, nothing(32)), waveforms)


def test_the_batch_handed_in_is_not_changed():
    waveforms = noises()
    copy = waveforms.clone()
    apply_waveforms(waveforms, draw_waveforms(32, STRONG, seeded()))
    assert torch.equal(copy, waveforms)


def test_gain_is_exact_and_uniform_in_decibels():
    draw = draw_waveforms(2000, augmented(gain={"db": 12.0}), seeded())
    gain_db = decibels(draw.gain)
    assert gain_db.abs().max() <= 12 + 1e-4
    assert gain_db.mean().abs() < 0.5
    assert gain_db.std() == pytest.approx(12 / 3**0.5, rel=0.05)
    waveforms = noises(2000, 50)
    changed = decibels(level(apply_waveforms(waveforms, draw)) / level(waveforms))
    np.testing.assert_allclose(changed.numpy(), gain_db.numpy(), atol=1e-3)


def test_gain_turns_no_polarity_and_no_time():
    waveforms = noises()
    changed = apply_waveforms(waveforms, draw_waveforms(32, augmented(gain={"db": 12.0}), seeded()))
    assert torch.equal(changed.sign(), waveforms.sign())


@pytest.mark.parametrize("snr_db", [-5.0, 10.0, 30.0])
def test_noise_has_the_drawn_ratio_whatever_the_level(snr_db: float):
    waveforms = noises(32, 32000)
    draw = replace(nothing(32), noise_gain=torch.full((32,), 10 ** (-snr_db / 20)))
    noise = apply_waveforms(waveforms, draw) - waveforms
    measured = decibels(level(waveforms) / level(noise))
    assert (measured - snr_db).abs().max() < 0.5
    spectrum = torch.fft.rfft(noise / level(noise)[:, None]).abs().square().mean(dim=0)
    assert spectrum[1:8000].mean() == pytest.approx(float(spectrum[8000:-1].mean()), rel=0.05)


def test_noise_lies_between_its_strongest_and_40_db():
    draw = draw_waveforms(4000, augmented(noise={"probability": 0.25, "snr_db": 10.0}), seeded())
    noisy = draw.noise_gain > 0
    assert float(noisy.float().mean()) == pytest.approx(0.25, abs=0.03)
    snr_db = -decibels(draw.noise_gain[noisy])
    assert 10 - 1e-4 <= snr_db.min() < 11
    assert 39 < snr_db.max() <= 40 + 1e-4


def test_noise_differs_between_rows_and_draws():
    waveforms = noises(1).expand(4, -1)
    loud = torch.ones(4)
    noise = apply_waveforms(waveforms, replace(nothing(4), noise_gain=loud)) - waveforms
    other = apply_waveforms(waveforms, replace(nothing(4), noise_gain=loud, noise_seed=3)) - waveforms
    rows = torch.corrcoef(torch.cat([noise, other]))
    assert (rows - torch.eye(8)).abs().max() < 0.1


def test_rows_without_noise_or_partner_are_left_alone():
    waveforms = noises(6)
    draw = replace(
        nothing(6),
        noise_gain=torch.tensor([0.0, 1.0, 0.0, 0.0, 1.0, 0.0]),
        partner=torch.tensor([5, 4, 3, 2, 1, 0]),
        partner_gain=torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
    )
    same = (apply_waveforms(waveforms, draw) == waveforms).all(dim=1)
    assert same.tolist() == [True, False, False, True, False, True]


@pytest.mark.parametrize("mix_db", [-9.0, 0.0, 6.0])
def test_the_second_clip_has_its_level_relative_to_the_first(mix_db: float):
    waveforms = noises(4)
    draw = replace(nothing(4), partner=torch.tensor([3, 2, 1, 0]), partner_gain=torch.full((4,), 10 ** (mix_db / 20)))
    added = apply_waveforms(waveforms, draw) - waveforms
    np.testing.assert_allclose(decibels(level(added) / level(waveforms)).numpy(), mix_db, atol=1e-2)
    same = torch.nn.functional.cosine_similarity(added, waveforms.flip(0))
    np.testing.assert_allclose(same.numpy(), 1.0, atol=1e-4)


def test_a_clip_is_mixed_as_often_as_asked_and_never_with_itself():
    draw = draw_waveforms(4000, augmented(mix={"probability": 0.4, "level_db": 9.0}), seeded())
    mixed = draw.partner_gain > 0
    assert float(mixed.float().mean()) == pytest.approx(0.4, abs=0.03)
    assert (draw.partner[mixed] != torch.arange(4000)[mixed]).all()
    assert decibels(draw.partner_gain[mixed]).abs().max() <= 9 + 1e-4
    alone = draw_waveforms(1, augmented(mix={"probability": 1.0, "level_db": 0.0}), seeded())
    assert alone.partner_gain.tolist() == [0.0]


def test_what_is_mixed_into_silence_can_be_heard():
    waveforms = noises(4)
    waveforms[0] = 0
    draw = replace(nothing(4), partner=torch.tensor([3, 0, 2, 1]), partner_gain=torch.tensor([1.0, 1.0, 0.0, 0.0]))
    mixed = apply_waveforms(waveforms, draw)
    torch.testing.assert_close(mixed[0], waveforms[3])
    assert torch.equal(mixed[1:], waveforms[1:])


def test_silence_stays_finite():
    silence = torch.zeros(8, 400)
    for seed in range(5):
        assert torch.equal(apply_waveforms(silence, draw_waveforms(8, STRONG, seeded(seed))), silence)


PRESENT, ABSENT, UNKNOWN = (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)  # (target, observed)


@pytest.mark.parametrize(("first", "second"), list(itertools.product((PRESENT, ABSENT, UNKNOWN), repeat=2)))
def test_labels_of_a_mix_unite(first: tuple[float, float], second: tuple[float, float]):
    if PRESENT in (first, second):
        expected = PRESENT
    elif first == second == ABSENT:
        expected = ABSENT
    else:
        expected = UNKNOWN
    targets, observed = torch.tensor([first, second]).T[:, :, None]
    draw = replace(nothing(2), partner=torch.tensor([1, 0]), partner_gain=torch.tensor([0.5, 0.0]))
    united = unite_labels(targets, observed, draw)
    assert [(float(target), float(seen)) for target, seen in zip(*united, strict=True)] == [expected, second]
    assert united[0].dtype == united[1].dtype == torch.float32


def test_a_target_without_observation_is_no_label():
    targets, observed = unite_labels(torch.ones(1, 11), torch.zeros(1, 11), nothing(1))
    assert not targets.any()
    assert not observed.any()


def test_a_batch_that_is_not_mixed_keeps_its_labels():
    observed = (torch.rand(20, 11, generator=seeded()) < 0.5).float()
    targets = (torch.rand(20, 11, generator=seeded(1)) < 0.5).float() * observed
    united = unite_labels(targets, observed, nothing(20))
    assert torch.equal(united[0], targets)
    assert torch.equal(united[1], observed)
