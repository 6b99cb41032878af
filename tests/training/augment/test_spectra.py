from dataclasses import replace

import numpy as np
import pytest
import torch
from model_fixtures import STILL, STRONG, augmented
from torch import Tensor

from instrumentarium.training.augment.params import AugmentParams
from instrumentarium.training.augment.spectra import (
    ROLL_OFF_DB,
    SHORTEST_S,
    MaskDraw,
    SpectrumDraw,
    apply_gains,
    apply_masks,
    apply_reverberation,
    apply_warp,
    draw_masks,
    draw_spectra,
)

BANDS, FRAMES = 40, 70
CENTRES_HZ = torch.logspace(2, 4, BANDS)  # 100 Hz to 10 kHz


def draw(params: AugmentParams, batch: int = 500, seed: int = 0) -> SpectrumDraw:
    return draw_spectra(batch, CENTRES_HZ, params, torch.Generator().manual_seed(seed))


def masks(params: AugmentParams, batch: int = 500, seed: int = 0) -> MaskDraw:
    return draw_masks(batch, BANDS, FRAMES, params, torch.Generator().manual_seed(seed))


def runs(mask: Tensor) -> Tensor:
    """Return how many separate stretches of True each row has."""
    padded = torch.nn.functional.pad(mask.int(), (1, 1))
    return (padded.diff(dim=1) == 1).sum(dim=1)


def test_the_same_seed_makes_the_same_draw():
    first, again, other = draw(STRONG), draw(STRONG), draw(STRONG, seed=1)
    for name in ("warp", "reverberation_s", "tail_gain", "gain_db"):
        assert torch.equal(getattr(first, name), getattr(again, name))
        assert not torch.equal(getattr(first, name), getattr(other, name))
    masked, again_masked, other_masked = masks(STRONG), masks(STRONG), masks(STRONG, seed=1)
    for name in ("band_mask", "frame_mask"):
        assert torch.equal(getattr(masked, name), getattr(again_masked, name))
        assert not torch.equal(getattr(masked, name), getattr(other_masked, name))


def test_zero_strengths_change_nothing():
    still = draw(STILL)
    power = torch.rand(500, BANDS, FRAMES)
    assert torch.equal(apply_warp(power, CENTRES_HZ, still), power)
    assert torch.equal(apply_reverberation(power, 0.02, still), power)
    assert torch.equal(apply_gains(power, still), power)
    assert torch.equal(apply_masks(power[:, None], masks(STILL)), power[:, None])


def test_shapes_name_the_axes():
    drawn = draw(STRONG, batch=3)
    masked = masks(STRONG, batch=3)
    assert drawn.gain_db.shape == masked.band_mask.shape == (3, BANDS)
    assert masked.frame_mask.shape == (3, FRAMES)


def test_a_warp_is_interpolation_between_the_bands_around():
    drawn = draw(augmented(warp={"probability": 1.0, "semitones": 5.0}), batch=20)
    assert (drawn.warp.log2().abs() <= 5 / 12 + 1e-6).all()
    power = torch.rand(20, BANDS, FRAMES)
    centres = CENTRES_HZ.double().numpy()
    warped = apply_warp(power, CENTRES_HZ, drawn).numpy()
    for row, factor in enumerate(drawn.warp.double().numpy()):
        for frame in (0, FRAMES - 1):
            expected = np.interp(centres / factor, centres, power[row, :, frame].double().numpy(), right=0.0)
            np.testing.assert_allclose(warped[row, :, frame], expected, atol=2e-5)


def test_a_tone_rises_with_the_warp_and_leaves_the_top_empty():
    drawn = draw(STILL, batch=2)
    octave = replace(drawn, warp=torch.tensor([2.0, 0.5]))
    power = torch.zeros(2, BANDS, FRAMES)
    power[:, 20] = 1.0
    rise = round(BANDS * float(np.log10(2)) / 2)
    assert apply_warp(power, CENTRES_HZ, octave).argmax(dim=1)[:, 0].tolist() == pytest.approx(
        [20 + rise, 20 - rise], abs=1
    )
    low = replace(drawn, warp=torch.tensor([0.5, 0.5]))
    assert (apply_warp(torch.ones(2, BANDS, FRAMES), CENTRES_HZ, low)[:, CENTRES_HZ > 5000] == 0).all()


def test_a_warp_comes_as_often_as_asked():
    drawn = draw(augmented(warp={"probability": 0.3, "semitones": 2.0}), batch=4000)
    assert (drawn.warp != 1).double().mean() == pytest.approx(0.3, abs=0.03)


def test_an_impulse_dies_away_as_its_reverberation_time_says():
    drawn = replace(draw(STILL, batch=2), reverberation_s=torch.tensor([0.5, 1.0]), tail_gain=torch.tensor([0.5, 2.0]))
    power = torch.zeros(2, BANDS, FRAMES)
    power[:, 7, 10] = 3.0
    reverberant = apply_reverberation(power, 0.02, drawn)
    assert not reverberant[:, torch.arange(BANDS) != 7].any()
    assert not reverberant[:, 7, :10].any()
    assert reverberant[:, 7, 10].tolist() == [3.0, 3.0]
    tail_db = 10 * reverberant[:, 7, 11:].double().log10()
    np.testing.assert_allclose(tail_db[0].diff(), -60 * 0.02 / 0.5, atol=1e-3)
    np.testing.assert_allclose(tail_db[1].diff(), -60 * 0.02 / 1.0, atol=1e-3)
    # 59 frames of a 0.5 s tail are all but the last thousandth of a per cent of it
    assert float(reverberant[0, 7, 11:].sum()) == pytest.approx(0.5 * 3.0, rel=1e-4)


def test_a_room_answers_the_sum_with_the_sum_of_its_answers():
    drawn = draw(augmented(reverberation={"probability": 1.0, "longest_s": 2.0, "strongest_db": 0.0}), batch=3)
    one, two = torch.rand(2, 3, BANDS, FRAMES)
    together = apply_reverberation(one + two, 0.05, drawn)
    np.testing.assert_allclose(
        together, apply_reverberation(one, 0.05, drawn) + apply_reverberation(two, 0.05, drawn), rtol=1e-5
    )
    assert (together >= one + two - 1e-6).all()  # a room takes nothing away


def test_rooms_are_as_frequent_long_and_loud_as_asked():
    drawn = draw(augmented(reverberation={"probability": 0.4, "longest_s": 3.0, "strongest_db": -5.0}), batch=4000)
    assert float((drawn.tail_gain > 0).float().mean()) == pytest.approx(0.4, abs=0.03)
    loud_db = 10 * drawn.tail_gain[drawn.tail_gain > 0].log10()
    assert -30 <= loud_db.min() < -29
    assert -6 < loud_db.max() <= -5 + 1e-4
    assert SHORTEST_S <= drawn.reverberation_s.min() < 0.21
    assert 2.9 < drawn.reverberation_s.max() <= 3.0 + 1e-4


def test_gains_are_exact_in_each_band():
    drawn = draw(augmented(equaliser={"probability": 1.0, "db": 9.0}), batch=4)
    power = torch.rand(4, BANDS, FRAMES) + 0.1
    changed_db = 10 * (apply_gains(power, drawn) / power).log10()
    np.testing.assert_allclose(changed_db, drawn.gain_db[:, :, None].expand_as(power), atol=1e-4)


def test_the_equaliser_is_bounded_smooth_and_as_frequent_as_asked():
    gain_db = draw(augmented(equaliser={"probability": 0.7, "db": 9.0}), batch=2000).gain_db
    assert 8 < gain_db.abs().max() <= 9
    assert gain_db.mean().abs() < 0.3
    # from one of the six control points to the next there are 39/5 bands, and at most 18 dB
    assert gain_db.diff(dim=1).abs().max() <= 18 * 5 / (BANDS - 1) + 1e-4
    assert float((gain_db != 0).any(dim=1).float().mean()) == pytest.approx(0.7, abs=0.04)


def test_a_band_limit_lowers_the_bands_above_its_edge_and_no_other():
    gain_db = draw(augmented(band_limit={"probability": 1.0, "lowest_hz": 2000.0})).gain_db
    lowered = gain_db == -ROLL_OFF_DB
    assert torch.equal(gain_db, torch.where(lowered, -ROLL_OFF_DB, 0.0))
    assert not lowered[:, CENTRES_HZ <= 2000].any()
    assert (lowered.int().diff(dim=1) >= 0).all()  # once lowered, lowered up to the top
    limits = lowered.sum(dim=1)
    above = int((CENTRES_HZ > 2000).sum())
    assert set(limits.tolist()) == set(range(limits.min(), above + 1))
    assert limits.min() <= 1


def test_a_band_limit_above_all_bands_lowers_none():
    assert not draw(augmented(band_limit={"probability": 1.0, "lowest_hz": 20000.0})).gain_db.any()


def test_a_band_limit_is_as_frequent_as_asked():
    gain_db = draw(augmented(band_limit={"probability": 0.4, "lowest_hz": 500.0}), batch=3000).gain_db
    assert float((gain_db[:, -1] != 0).float().mean()) == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize("share", [0.1, 0.35, 1.0])
@pytest.mark.parametrize(
    ("name", "knob", "size"), [("band_mask", "band_mask", BANDS), ("frame_mask", "time_mask", FRAMES)]
)
def test_a_mask_is_one_stretch_of_at_most_its_share(name: str, knob: str, size: int, share: float):
    mask = getattr(masks(augmented(**{knob: {"share": share}}), batch=2000), name)
    assert mask.shape == (2000, size)
    assert (runs(mask) <= 1).all()
    width = mask.sum(dim=1)
    assert width.max() <= share * size
    assert width.max() >= 0.8 * share * size - 1
    assert width.min() == 0
    if share < 1:  # every place is reached, both ends included
        assert mask.any(dim=0).all()


def test_the_band_mask_masks_bands_and_the_time_mask_frames():
    features = torch.randn(50, 1, BANDS, FRAMES) + 10
    bands = apply_masks(features, masks(augmented(band_mask={"share": 0.5}), batch=50))[:, 0] == 0
    assert bands.any()
    assert torch.equal(bands.any(dim=2), bands.all(dim=2))  # a band is masked in all frames or in none
    assert not bands.all(dim=1).any()  # and no frame is masked throughout
    frames = apply_masks(features, masks(augmented(time_mask={"share": 0.5}), batch=50))[:, 0] == 0
    assert frames.any()
    assert torch.equal(frames.any(dim=1), frames.all(dim=1))
    assert not frames.all(dim=2).any()


def test_what_is_not_masked_is_kept():
    drawn = masks(augmented(band_mask={"share": 0.5}, time_mask={"share": 0.5}), batch=50)
    features = torch.randn(50, 1, BANDS, FRAMES)
    masked = drawn.band_mask[:, None, :, None] | drawn.frame_mask[:, None, None, :]
    result = apply_masks(features, drawn)
    assert torch.equal(result[~masked], features[~masked])
    assert not result[masked].any()
