"""Rows of plots go by the names of instruments."""

import pytest
from damaged import DAMAGED_JSON

from instrumentarium.tables.taxonomy import (
    Instrument,
    Taxonomy,
    TaxonomyError,
    read_taxonomy,
    taxonomy_of,
    write_taxonomy,
)
from taxonomies import BAND3


def test_codes_become_names_in_the_columns_that_hold_them():
    rows = [
        {"instrument": "steel_drums", "with": "bass", "count": 3},
        {"instrument": "micro", "actual": "bass", "predicted": "no"},
        {"actual": "bass", "predicted": "none", "share": 0.5},
    ]
    assert BAND3.named(rows) == [
        {"instrument": "steel drums", "with": "bass", "count": 3},
        {"instrument": "micro", "actual": "bass", "predicted": "no"},
        {"actual": "bass", "predicted": "none", "share": 0.5},
    ]


def test_a_taxonomy_is_read_as_it_was_written(tmp_path):
    taxonomy = Taxonomy("band3", BAND3.instruments, {"irmas": ("bass",)})
    write_taxonomy(tmp_path / "taxonomy.json", taxonomy)
    assert read_taxonomy(tmp_path / "taxonomy.json").instruments == taxonomy.instruments
    assert read_taxonomy(tmp_path / "taxonomy.json").covered_by("irmas") == ("bass",)
    assert read_taxonomy(tmp_path / "taxonomy.json").covered_by("esc50") == taxonomy.codes


@pytest.mark.parametrize(
    "text", [b"[]", b'{"name": "x", "instruments": []}', *DAMAGED_JSON.values()], ids=lambda text: repr(text[:20])
)
def test_what_is_no_taxonomy_is_refused(tmp_path, text):
    (tmp_path / "taxonomy.json").write_bytes(text)
    with pytest.raises(TaxonomyError, match=r"(?s)taxonomy\.json is no taxonomy: .*; run `dvc repro duplicates`"):
        read_taxonomy(tmp_path / "taxonomy.json")
    with pytest.raises(TaxonomyError, match="is missing; run `dvc repro duplicates`"):
        read_taxonomy(tmp_path / "nowhere.json")


def test_two_instruments_of_one_code_are_refused():
    with pytest.raises(TaxonomyError, match="instruments of the same code: bass"):
        Taxonomy("x", (Instrument("bass", "bass"), Instrument("bass", "double bass")))
    assert taxonomy_of(["bass"], {"bass": "bass guitar"}).names == {"bass": "bass guitar"}
