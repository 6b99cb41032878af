"""Laws of every augmentation: replay, rows on their own, nothing done to what is handed in, silence; and their order."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from estimates import estimates
from model_fixtures import STILL, STRONG, Parts, augmented
from torch import Tensor
from training.augment.signals import RATE_HZ, noise, seeded

from instrumentarium.config.bases import with_bases
from instrumentarium.frontends.base import PowerFrontEnd
from instrumentarium.frontends.build import build_frontend
from instrumentarium.runtime.section import read_yaml, validate
from instrumentarium.training.augment.base import Augmentation
from instrumentarium.training.augment.build import build_augmentations
from instrumentarium.training.augment.params import AugmentParams
from instrumentarium.training.augment.spectra import draw_masks, draw_spectra
from instrumentarium.training.augment.waveforms import draw_waveforms

ALWAYS: dict[str, dict[str, Any]] = {
    "sum": {"probability": 1.0, "clips": 3, "instruments": 4, "level_db": 6.0, "partners": "random"},
    "concatenate": {"probability": 1.0, "clips": 3, "instruments": 4, "level_db": 6.0, "partners": "random"},
    "background": {"probability": 1.0, "snr_db": 5.0},
    "pitch_shift": {"probability": 1.0, "semitones": 3.0},
    "time_stretch": {"probability": 1.0, "factor": 1.5},
    "time_shift": {"probability": 1.0, "share": 0.5},
    "polarity": {"probability": 1.0},
    "coloured_noise": {"probability": 1.0, "snr_db": 5.0, "slope_db": 6.0},
    "impulse_response": {"probability": 1.0, "folder": None, "longest_s": 0.4, "strongest_db": 0.0},
    "filters": {"probability": 1.0, "lowest_hz": 100.0, "highest_hz": 4000.0},
    "clipping": {"probability": 1.0, "share": 0.2},
    "codec": {"probability": 1.0, "lowest_hz": 2000.0, "fewest_bits": 4},
    "erasing": {"probability": 1.0, "rectangles": 3, "area": 0.1},
    "patch_shuffle": {"probability": 1.0, "bands": 2, "frames": 3},
    "mixup": {"probability": 1.0, "alpha": 1.0, "labels": "mix"},
}
"""One of every family that has parameters of its own, always drawn."""
SHAPES = {"sources": (6, 3, 8000), "waveform": (6, 8000), "features": (6, 2, 16, 33)}


def family(name: str, probability: float = 1.0) -> Augmentation:
    """Return one augmentation alone."""
    params = augmented(**{name: {**ALWAYS[name], "probability": probability}})
    found = build_augmentations(params, build_frontend(Parts().frontend, RATE_HZ), RATE_HZ)
    (only,) = (each for each in found if type(each).__name__ not in CLASSIC)
    return only


CLASSIC = {"WaveformAugmentation", "PowerAugmentation", "MaskAugmentation"}
"""What is always there, and does nothing where its parameters are left out."""


def shape_of(augmentation: Augmentation, name: str) -> tuple[int, ...]:
    return (6, 2, 8000) if name == "background" else SHAPES[augmentation.domain]


def batch_for(augmentation: Augmentation, name: str) -> Tensor:
    shape = shape_of(augmentation, name)
    return noise(shape[0], int(np.prod(shape[1:]))).view(shape)


def same(one: object, other: object) -> bool:
    values = [dataclasses.astuple(each) if dataclasses.is_dataclass(each) else (each,) for each in (one, other)]  # type: ignore[call-overload]
    return all(
        torch.equal(a, b) if isinstance(a, Tensor) else a == b for a, b in zip(values[0], values[1], strict=True)
    )


@pytest.fixture(params=ALWAYS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_a_draw_follows_from_its_generator_and_can_be_replayed(name: str):
    augmentation = family(name)
    x = batch_for(augmentation, name)
    one, again, other = (augmentation.draw(x.shape, seeded(seed)) for seed in (1, 1, 2))
    assert same(one, again)
    if name != "polarity":  # which always turns all
        assert not same(one, other)
    replayed = [augmentation.apply(x, one).numpy().tobytes() for _ in range(2)]
    assert replayed[0] == replayed[1]
    assert augmentation.apply(x, again).numpy().tobytes() == replayed[0]


def test_something_is_changed_and_what_was_handed_in_is_not(name: str):
    augmentation = family(name)
    x = batch_for(augmentation, name)
    copy = x.clone()
    changed = augmentation.apply(x, augmentation.draw(x.shape, seeded(1)))
    assert torch.equal(x, copy)
    own = x[:, 0] if augmentation.domain == "sources" else x
    assert changed.shape == own.shape
    assert changed.dtype == torch.float32
    assert changed.isfinite().all()
    assert (changed != own).flatten(1).any(dim=1).sum() >= 4


def test_no_result_rests_on_a_processor_s_estimates(name: str):
    augmentation = family(name)
    x = batch_for(augmentation, name)
    with estimates() as seen:
        augmentation.apply(x, augmentation.draw(x.shape, seeded(1)))
    assert not seen


def test_a_probability_of_0_changes_nothing(name: str):
    augmentation = family(name, 0.0)
    x = batch_for(augmentation, name)
    changed = augmentation.apply(x, augmentation.draw(x.shape, seeded()))
    assert torch.equal(changed, x[:, 0] if augmentation.domain == "sources" else x)


def test_it_comes_as_often_as_asked(name: str):
    augmentation = family(name, 0.3)
    shape = shape_of(augmentation, name)
    shares = []
    for seed in range(60):
        x = batch_for(augmentation, name)
        changed = augmentation.apply(x, augmentation.draw(torch.Size(shape), seeded(seed)))
        own = x[:, 0] if augmentation.domain == "sources" else x
        shares.append(float((changed != own).flatten(1).any(dim=1).float().mean()))
    assert np.mean(shares) == pytest.approx(0.28, abs=0.1)  # mixup leaves rows whose partner is themselves


def test_the_global_generator_is_left_alone(name: str):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    augmentation = family(name)
    x = batch_for(augmentation, name)
    augmentation.apply(x, augmentation.draw(x.shape, seeded()))
    assert torch.equal(before, torch.get_rng_state())


def test_silence_stays_finite_and_silent(name: str):
    augmentation = family(name)
    x = torch.zeros(shape_of(augmentation, name))
    for seed in range(3):
        changed = augmentation.apply(x, augmentation.draw(x.shape, seeded(seed)))
        assert changed.abs().max() < 1e-6


def test_labels_are_kept_but_by_what_puts_clips_together(name: str):
    if name in {"sum", "concatenate", "mixup"}:
        return
    augmentation = family(name)
    shape = torch.Size(shape_of(augmentation, name))
    targets = (torch.rand(6, 11, generator=seeded()) < 0.4).float()
    observed = (torch.rand(6, 11, generator=seeded(1)) < 0.7).float()
    given = (targets, observed)
    if augmentation.domain == "sources":
        given = tuple(
            torch.stack([each, torch.full_like(each, fill)], dim=1) for each, fill in zip(given, (0, 1), strict=True)
        )
    united = augmentation.unite(*given, augmentation.draw(shape, seeded()))
    assert torch.equal(united[0], targets)
    assert torch.equal(united[1], observed)


def test_an_entry_lists_only_what_it_uses():
    entries = with_bases(read_yaml(Path(__file__).resolve().parents[3] / "params.yaml"))["augmentations"]
    assert isinstance(entries, dict)
    used = {name: list(validate(entry, AugmentParams).used) for name, entry in entries.items()}
    for name, entry in entries.items():
        on = [key for key, value in entry.items() if value is not None]  # null takes away what the base has
        assert sorted(used[name]) == sorted(on), name
    assert {each for names in used.values() for each in names} == set(
        AugmentParams.model_fields
    )  # each is shown in one
    assert augmented(gain={"db": 3.0}).used.keys() == {"gain"}
    assert STILL.used == {}


def test_the_draws_of_the_first_augmentations_stand_in_their_old_order():
    """What mix, noise, gain, the spectrum and masks draw, in the order in which the generator has always given it."""
    frontend = build_frontend(Parts().frontend, RATE_HZ)
    assert isinstance(frontend, PowerFrontEnd)
    chain = build_augmentations(STRONG, frontend, RATE_HZ)
    assert [type(each).__name__ for each in chain] == ["WaveformAugmentation", "PowerAugmentation", "MaskAugmentation"]
    shapes = [torch.Size(shape) for shape in ((5, 4000), (5, 16, 32), (5, 1, 16, 32))]
    generator, other = seeded(7), seeded(7)
    draws = [each.draw(shape, generator) for each, shape in zip(chain, shapes, strict=True)]
    centres = frontend.power_axes.band_centres_hz
    assert same(draws[0], draw_waveforms(5, STRONG, other))
    assert same(draws[1], draw_spectra(5, centres, STRONG, other))
    assert same(draws[2], draw_masks(5, 16, 32, STRONG, other))
    by_hand = seeded(7)
    mixed, noisy = (torch.rand(5, generator=by_hand) < 0.5, torch.rand(5, generator=by_hand) < 0.7)
    partner = torch.randperm(5, generator=by_hand)
    partner_gain = 10 ** ((-6 + 12 * torch.rand(5, generator=by_hand)) / 20)
    noise_gain = 10 ** (-(10 + 30 * torch.rand(5, generator=by_hand)) / 20)
    gain = 10 ** ((-12 + 24 * torch.rand(5, generator=by_hand)) / 20)
    seed = int(torch.randint(2**62, (1,), generator=by_hand))
    assert torch.equal(draws[0].partner, partner)
    torch.testing.assert_close(
        draws[0].partner_gain, torch.where(mixed & (partner != torch.arange(5)), partner_gain, 0.0)
    )
    torch.testing.assert_close(draws[0].noise_gain, torch.where(noisy, noise_gain, 0.0))
    torch.testing.assert_close(draws[0].gain, gain)
    assert draws[0].noise_seed == seed
    warped = torch.rand(5, generator=by_hand) < 0.5
    semitones = (torch.rand(5, generator=by_hand) * 2 - 1) * 3.0
    torch.testing.assert_close(draws[1].warp, torch.where(warped, 2 ** (semitones / 12), 1.0))


def test_leaving_one_of_the_first_out_leaves_the_draws_of_the_others():
    without = STRONG.model_copy(update={"noise": None})
    one, other = (draw_waveforms(9, params, seeded(3)) for params in (STRONG, without))
    assert torch.equal(one.gain, other.gain)
    assert torch.equal(one.partner_gain, other.partner_gain)
    assert not other.noise_gain.any()


def test_the_order_of_application_is_the_order_of_the_parameters():
    params = augmented(**{name: values for name, values in ALWAYS.items() if name != "concatenate"})
    chain = build_augmentations(params, build_frontend(Parts().frontend, RATE_HZ), RATE_HZ)
    domains = [each.domain for each in chain]
    assert domains == sorted(domains, key=["sources", "waveform", "power", "features"].index)
    names = [type(each).__name__.lower() for each in chain if type(each).__name__ not in CLASSIC]
    classes = {"sum": "composition", "coloured_noise": "colourednoise", "erasing": "randomerasing"}
    assert names == [classes.get(name, name.replace("_", "")) for name in params.used]
