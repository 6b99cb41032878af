"""Entries that build on others, by hand."""

from pathlib import Path

import pytest

from instrumentarium.config.bases import SECTIONS, with_bases
from instrumentarium.config.whole import load_params
from instrumentarium.runtime.section import ParamsError, read_yaml

COMMITTED = Path(__file__).resolve().parents[2] / "params.yaml"


def augmentations(**entries: object) -> dict[str, object]:
    return {"seed": 1, "augmentations": entries}


def test_an_entry_has_what_its_base_has_and_its_own_in_its_place():
    found = with_bases(
        augmentations(
            strong={"mix": {"probability": 0.1, "level_db": 9.0}, "gain": {"db": 12.0}},
            soft={"base": "strong", "gain": {"db": 3.0}, "mix": {"level_db": 6.0}},
            softer={"base": "soft", "mix": None, "noise": {"snr_db": 20.0}},
        )
    )
    assert found == augmentations(
        strong={"mix": {"probability": 0.1, "level_db": 9.0}, "gain": {"db": 12.0}},
        soft={"mix": {"probability": 0.1, "level_db": 6.0}, "gain": {"db": 3.0}},
        softer={"mix": None, "gain": {"db": 3.0}, "noise": {"snr_db": 20.0}},
    )


def test_what_was_read_stays_as_it_is():
    values = augmentations(strong={"gain": {"db": 12.0}}, soft={"base": "strong", "gain": {"db": 3.0}})
    with_bases(values)["augmentations"]["strong"]["gain"] = None
    assert values == augmentations(strong={"gain": {"db": 12.0}}, soft={"base": "strong", "gain": {"db": 3.0}})


def refusal(**entries: object) -> str:
    with pytest.raises(ParamsError) as error:
        with_bases(augmentations(**entries))
    return str(error.value)


def test_a_base_that_is_not_there_is_named_with_those_that_are():
    assert "'strnog' is not a key of `augmentations` (allowed: strong; did you mean 'strong'?)" in refusal(
        strong={}, soft={"base": "strnog"}
    )


def test_a_base_in_a_circle_is_refused():
    found = refusal(a={"base": "b"}, b={"base": "a"})
    assert "augmentations.a.base: a builds on b builds on a, which has no end" in found
    assert "augmentations.b.base: b builds on a builds on b, which has no end" in found
    assert "augmentations.a.base: a builds on a, which has no end" in refusal(a={"base": "a"})


def test_what_is_no_entry_is_left_to_the_check_of_its_kind():
    values = augmentations(strong=3, soft={"base": "strong", "gain": {"db": 3.0}}, other=None)
    assert with_bases(values)["augmentations"] == {"strong": 3, "soft": {"gain": {"db": 3.0}}, "other": None}
    assert with_bases({"models": []}) == {"models": []}


def test_a_wrong_value_is_named_where_it_is_missing_and_where_it_stands(tmp_path: Path):
    text = COMMITTED.read_text(encoding="utf-8")
    assert "architecture: tf_efficientnetv2_s" in text
    path = tmp_path / "params.yaml"
    path.write_text(
        text.replace("        windows_per_epoch: 480\n", "        windows_per_epoch: many\n"), encoding="utf-8"
    )
    with pytest.raises(
        ParamsError, match=r"models\.efficientnet\.recipes\.miniature\.windows_per_epoch: .*found 'many'"
    ):
        load_params(path)


def test_no_entry_repeats_what_its_base_states():
    values = read_yaml(COMMITTED)
    for section in SECTIONS:
        entries = values[section]
        for name, entry in entries.items():
            if "base" in entry:
                base = with_bases(values)[section][entry["base"]]
                repeated = _shared({key: value for key, value in entry.items() if key != "base"}, base)
                assert not repeated, f"{section}.{name} repeats {repeated}"


def _shared(own: object, base: object) -> list[str]:
    if not (isinstance(own, dict) and isinstance(base, dict)):
        return ["it"] if own == base else []
    return [key for key, value in own.items() if key in base and _shared(value, base[key]) and value == base[key]]
