"""Sums, concatenations, backgrounds and mixups: levels, parts, and labels."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from training.augment.signals import RATE_HZ, decibels, noise, rms, seeded

from instrumentarium.training.augment.background import Background, BackgroundDraw
from instrumentarium.training.augment.composition import FADE_S, Composition, CompositionDraw
from instrumentarium.training.augment.labels import union
from instrumentarium.training.augment.mixup import Mixup, MixupDraw, draw_beta
from instrumentarium.training.augment.params import BackgroundParams, CompositionParams, MixupParams

PRESENT, ABSENT, UNKNOWN = (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)  # (target, observed)
SAMPLES = 8000


def params(probability: float = 1.0, clips: int = 4, level_db: float = 6.0) -> CompositionParams:
    return CompositionParams(probability=probability, clips=clips, instruments=4, level_db=level_db, partners="random")


SUM = Composition(params(), None, RATE_HZ)
SEQUENCE = Composition(None, params(), RATE_HZ)
BOTH = Composition(params(0.4), params(0.3, clips=2), RATE_HZ)


def sources(batch: int = 6, count: int = 4) -> Tensor:
    return noise(batch * count, SAMPLES).view(batch, count, SAMPLES)


def made(count: list[int], sequence: bool, gain: float = 1.0, sources: int = 4) -> CompositionDraw:
    """Return a draw of parts of equal length."""
    counts = torch.tensor(count)
    bounds = ((torch.arange(sources)[None, :] + 1) / counts[:, None]).clamp(max=1)
    gains = torch.full((len(count), sources), gain)
    gains[:, 0] = 1
    return CompositionDraw(counts, torch.tensor([sequence] * len(count)), gains, bounds)


@pytest.mark.parametrize("gain_db", [-6.0, 0.0, 6.0])
def test_a_sum_is_the_sum_of_its_sources_at_their_levels(gain_db: float):
    x, gain = sources(), 10 ** (gain_db / 20)
    summed = SUM.apply(x, made([3] * 6, sequence=False, gain=gain))
    level = rms(x)
    parts = x[:, :3] * (level[:, :1] / level[:, :3])[:, :, None]
    expected = (parts[:, 0] + gain * parts[:, 1] + gain * parts[:, 2]) / (1 + 2 * gain**2) ** 0.5
    torch.testing.assert_close(summed, expected, atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(decibels(rms(summed) / level[:, 0]), 0, atol=0.3)  # independent sources


def test_a_row_of_one_source_is_itself_and_unused_sources_are_not_looked_at():
    x = sources()
    mixed = SUM.apply(x, made([1, 2, 3, 4, 1, 2], sequence=False))
    assert torch.equal(mixed[0], x[0, 0])
    assert torch.equal(mixed[4], x[4, 0])
    other = x.clone()
    other[1, 2:] = 9.0
    assert torch.equal(SUM.apply(other, made([1, 2, 3, 4, 1, 2], sequence=False)), mixed)


def test_a_silent_first_source_leaves_the_others_their_level():
    x = sources(1)
    x[0, 0] = 0
    summed = SUM.apply(x, made([2], sequence=False))
    torch.testing.assert_close(summed[0], x[0, 1] / 2**0.5)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_concatenation_is_its_parts_one_after_the_other(count: int):
    x = sources(1)
    x = x / rms(x)[:, :, None]
    joined = SEQUENCE.apply(x, made([count], sequence=True))[0]
    fade = round(FADE_S * RATE_HZ)
    for part in range(count):
        first, last = part * SAMPLES // count + fade, (part + 1) * SAMPLES // count - fade
        torch.testing.assert_close(joined[first:last], x[0, part, first:last], atol=1e-5, rtol=1e-4)
    if count == 2:  # and in between from one to the other
        middle = slice(SAMPLES // 2 - fade // 2, SAMPLES // 2 + fade // 2)
        share = (torch.arange(SAMPLES)[middle] - SAMPLES / 2) / fade + 0.5
        torch.testing.assert_close(joined[middle], x[0, 0, middle] * (1 - share) + x[0, 1, middle] * share)


def test_a_constant_goes_through_a_concatenation_unchanged():
    draw = SEQUENCE.draw(torch.Size((50, 4, SAMPLES)), seeded())
    draw = replace(draw, gain=torch.ones_like(draw.gain))
    joined = SEQUENCE.apply(torch.full((50, 4, SAMPLES), 0.5), draw)
    torch.testing.assert_close(joined, torch.full((50, SAMPLES), 0.5))


def test_no_part_is_much_shorter_than_the_others():
    draw = SEQUENCE.draw(torch.Size((3000, 4, SAMPLES)), seeded())
    assert draw.sequence.all()
    assert set(draw.count.tolist()) == {2, 3, 4}
    bounds = torch.nn.functional.pad(draw.bounds, (1, 0))
    parts = bounds.diff(dim=1)
    there = torch.arange(4)[None, :] < draw.count[:, None]
    assert parts[~there].abs().max() < 1e-6
    assert parts[there].min() > 0.5 / (0.5 + 3 * 1.5) - 1e-6
    np.testing.assert_allclose(parts.sum(dim=1), 1, atol=1e-6)


def test_sums_and_concatenations_come_as_often_as_asked_and_never_both():
    draw = BOTH.draw(torch.Size((6000, 4, SAMPLES)), seeded())
    composed = draw.count > 1
    assert float(composed.float().mean()) == pytest.approx(0.7, abs=0.03)
    assert float(draw.sequence.float().mean()) == pytest.approx(0.3, abs=0.03)
    assert set(draw.count[composed & draw.sequence].tolist()) == {2}
    counts = draw.count[composed & ~draw.sequence]
    shares = [float((counts == count).float().mean()) for count in (2, 3, 4)]
    np.testing.assert_allclose(shares, 1 / 3, atol=0.04)
    gains_db = decibels(draw.gain[composed][:, 1:])
    assert 5.9 < gains_db.abs().max() <= 6 + 1e-4
    assert (draw.gain[:, 0] == 1).all()


def test_fewer_partners_than_drawn_fill_the_window_all_the_same():
    draw = made([4, 4, 2, 4], sequence=True)
    fewer = draw.fewer(torch.tensor([2, 1, 4, 4]))
    assert fewer.count.tolist() == [2, 1, 2, 4]
    np.testing.assert_allclose(fewer.bounds[0, :2], [0.5, 1.0])
    np.testing.assert_allclose(fewer.bounds[3], draw.bounds[3])
    x = sources(4)
    assert torch.equal(SEQUENCE.apply(x, fewer)[1], x[1, 0])


@pytest.mark.parametrize("states", list(itertools.product((PRESENT, ABSENT, UNKNOWN), repeat=3)))
def test_labels_of_what_is_put_together_unite(states: tuple[tuple[float, float], ...]):
    expected = PRESENT if PRESENT in states else ABSENT if set(states) == {ABSENT} else UNKNOWN
    targets, observed = torch.tensor(states).T[:, None, :, None]
    assert [float(each) for each in union(targets, observed)] == list(expected)
    for composition in (SUM, SEQUENCE):
        draw = made([3], sequence=composition is SEQUENCE, sources=3)
        assert [float(each) for each in composition.unite(targets, observed, draw)] == list(expected)


def test_a_sum_of_some_has_exactly_the_union_of_those():
    targets = torch.eye(4)[None].repeat(4, 1, 1)  # source k plays instrument k
    observed = torch.ones(4, 4, 4)
    united, known = SUM.unite(targets, observed, made([1, 2, 3, 4], sequence=False))
    assert united.tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    assert known.all()
    observed[:, 1, 3] = 0  # the second source does not know of the last instrument
    _, known = SUM.unite(targets, observed, made([1, 2, 3, 4], sequence=False))
    assert known[:, 3].tolist() == [1, 0, 0, 1]  # where it plays, in the fourth source, it is known all the same


@pytest.mark.parametrize("snr_db", [-5.0, 10.0, 30.0])
def test_a_background_has_the_drawn_ratio_whatever_its_level(snr_db: float):
    x = sources(6, 2)
    x[:, 1] *= torch.logspace(-1, 1, 6)[:, None]
    draw = BackgroundDraw(torch.full((6,), 10 ** (-snr_db / 20)))
    added = Background(BackgroundParams(probability=1.0, snr_db=snr_db)).apply(x, draw) - x[:, 0]
    np.testing.assert_allclose(decibels(rms(x[:, 0]) / rms(added)), snr_db, atol=0.05)
    same = torch.nn.functional.cosine_similarity(added, x[:, 1])
    np.testing.assert_allclose(same, 1.0, atol=1e-3)


def test_a_background_that_was_not_found_is_none():
    draw = BackgroundDraw(torch.ones(2)).only(torch.tensor([True, False]))
    x = sources(2, 2)
    changed = Background(BackgroundParams(probability=1.0, snr_db=0.0)).apply(x, draw)
    assert not torch.equal(changed[0], x[0, 0])
    assert torch.equal(changed[1], x[1, 0])


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 5.0])
def test_shares_of_mixup_are_of_a_beta_distribution(alpha: float):
    share = draw_beta(alpha, 20000, seeded()).double()
    assert float(share.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(share.var()) == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)
    assert 0 <= share.min() <= share.max() <= 1
    assert torch.equal(draw_beta(alpha, 9, seeded()), draw_beta(alpha, 9, seeded()))


def mixup(labels: str) -> Mixup:
    return Mixup(MixupParams(probability=1.0, alpha=1.0, labels=labels))  # type: ignore[arg-type]


def test_mixup_is_the_convex_combination():
    x = noise(3, 40).view(3, 1, 5, 8)
    draw = MixupDraw(torch.tensor([1, 2, 0]), torch.tensor([0.25, 1.0, 0.5]))
    mixed = mixup("mix").apply(x, draw)
    torch.testing.assert_close(mixed[0], 0.25 * x[0] + 0.75 * x[1])
    assert torch.equal(mixed[1], x[1])
    torch.testing.assert_close(mixed[2], 0.5 * x[2] + 0.5 * x[0])


@pytest.mark.parametrize(
    ("labels", "share", "expected"),
    [
        ("mix", 0.25, [0.25, 0.75, 1.0, 0.0]),
        ("soft_union", 0.25, [0.5, 1.0, 1.0, 0.0]),
        ("soft_union", 0.5, [1.0, 1.0, 1.0, 0.0]),
        ("union", 0.25, [1.0, 1.0, 1.0, 0.0]),
        ("union", 0.9, [1.0, 1.0, 1.0, 0.0]),
    ],
)
def test_labels_of_a_mixup_are_as_the_parameter_says(labels: str, share: float, expected: list[float]):
    targets = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]])
    draw = MixupDraw(torch.tensor([1, 0]), torch.tensor([share, 1.0]))
    united, known = mixup(labels).unite(targets, torch.ones(2, 4), draw)
    assert united[0].tolist() == expected
    assert torch.equal(united[1], targets[1])
    assert known.all()


@pytest.mark.parametrize(("labels", "known"), [("mix", [0, 0, 1]), ("soft_union", [0, 0, 1]), ("union", [1, 0, 1])])
def test_a_share_of_what_nobody_knows_is_not_known(labels: str, known: list[int]):
    targets = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    observed = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    united, seen = mixup(labels).unite(targets, observed, MixupDraw(torch.tensor([1, 0]), torch.tensor([0.5, 1.0])))
    assert seen[0].tolist() == known
    assert not united[0][seen[0] == 0].any()
