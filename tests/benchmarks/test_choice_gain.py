"""Which choices are compared, and with what; the trainings themselves are other tests'."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from scripts import load_script

from instrumentarium.config.bases import with_bases
from instrumentarium.config.whole import Params
from instrumentarium.runtime.section import ParamsError, read_yaml, validate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    return load_script("benchmarks/choice_gain.py")


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    return dict(with_bases(read_yaml(ROOT / "params.yaml")))


def test_every_entry_but_the_models_own_is_a_choice(benchmark: ModuleType, values: dict[str, Any]) -> None:
    params = validate(values, Params)
    found = benchmark.every_choice(params, "cnn", estimated=True)
    entries = {f"{kind}={name}" for kind, section in benchmark.SECTIONS.items() for name in values[section]}
    assert set(found) == entries - {"loss=bce", "head=linear_mean_max", "augmentation=strong"}
    assert len(found) == len(set(found))


def test_what_needs_keys_and_tempi_is_left_out_where_there_are_none(
    benchmark: ModuleType, values: dict[str, Any]
) -> None:
    params = validate(values, Params)
    with_them, without = (benchmark.every_choice(params, "cnn", estimated=each) for each in (True, False))
    assert set(with_them) - set(without) == set(benchmark.BY_ESTIMATES)


def test_a_choice_is_a_selector_and_an_entry(benchmark: ModuleType, values: dict[str, Any]) -> None:
    pairs = benchmark.chosen_pairs(["loss=focal", "augmentation=mild"], values)
    assert pairs == [("loss", "focal"), ("augmentation", "mild")]
    for wrong, said in (
        ("lss=focal", "is no choice; write loss=ENTRY"),
        ("loss=focl", "'focl' is not a key of `losses`"),
    ):
        with pytest.raises(ParamsError, match=said):
            benchmark.chosen_pairs([wrong], values)


def test_all_but_the_choice_stays_as_it_is(benchmark: ModuleType, values: dict[str, Any]) -> None:
    changed, base = (
        benchmark.selecting(values, "cnn", {"epochs": 3}, **selectors) for selectors in ({"loss": "focal"}, {})
    )
    assert {key for key in base if base[key] != changed[key]} == {"loss"}
    assert changed["models"]["cnn"]["recipes"]["miniature"]["epochs"] == 3
    assert values["models"]["cnn"]["recipes"]["miniature"]["epochs"] != 3
    assert {each["pitch_shift_semitones"] for each in base["windows"].values()} == {0.0}
