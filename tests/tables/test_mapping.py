"""From corpora's own labels to instruments, by hand: what is present, what absent, and what nobody knows."""

import json
from pathlib import Path

import pandas as pd
import pytest
from pydantic import TypeAdapter

from instrumentarium.runtime.section import ParamsError, read_yaml, validate
from instrumentarium.tables.mapping import LabelMapping, automatic_mapping, build_mapping, map_labels
from instrumentarium.tables.params import TaxonomyParams
from instrumentarium.tables.schemas import EVERY_OTHER
from instrumentarium.tables.selection import SelectedTaxonomy, read_taxonomy_file, select_mapping, select_taxonomy
from instrumentarium.tables.taxonomy import TaxonomyError

ENTRIES = validate(
    read_yaml(Path(__file__).resolve().parents[2] / "params.yaml")["taxonomies"], TypeAdapter(dict[str, TaxonomyParams])
)
IRMAS11, OPENMIC20 = (build_mapping(name, ENTRIES[name]) for name in ("irmas11", "openmic20"))
CLASSES = (
    "accordion banjo bass cello clarinet cymbals drums flute guitar mallet_percussion mandolin organ piano saxophone "
    "synthesizer trombone trumpet ukulele violin voice"
).split()
BAND = {
    "instruments": [{"code": code, "name": code, "family": ""} for code in ("banjo", "bass", "voice")],
    "corpora": {"openmic": {"banjo": "banjo", "synthesizer": ["bass", "voice"]}, "esc50": "none"},
}
Rows = list[tuple[str, str, float]]


def labels_of(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["clip_id", "label", "relevance"])


def corpora_of(labels: pd.DataFrame) -> dict[str, str]:
    return {clip_id: clip_id.partition("/")[0] for clip_id in labels["clip_id"]}


def mapped(mapping: LabelMapping, *rows: tuple[str, str, float]) -> dict[tuple[str, str], float]:
    labels = labels_of(*rows)
    found = map_labels(labels, corpora_of(labels), mapping).labels
    return {(row.clip_id, row.instrument): row.relevance for row in found.itertuples()}


def test_the_two_taxonomies_of_params_yaml():
    assert IRMAS11.taxonomy.codes == ("cel", "cla", "flu", "gac", "gel", "org", "pia", "sax", "tru", "vio", "voi")
    assert list(OPENMIC20.taxonomy.codes) == CLASSES
    assert OPENMIC20.taxonomy.names["mallet_percussion"] == "mallet percussion"


def test_a_label_is_the_instrument_that_it_maps_to_with_its_relevance():
    rows = [("openmic/a", "flute", 0.8), ("openmic/a", "voice", 0.1), ("openmic/b", "piano", 0.5)]
    expected = {("openmic/a", "flu"): 0.8, ("openmic/a", "voi"): 0.1, ("openmic/b", "pia"): 0.5}
    assert mapped(IRMAS11, *rows) == expected


def test_a_label_that_maps_to_nothing_says_nothing():
    assert mapped(IRMAS11, ("openmic/a", "guitar", 1.0), ("openmic/a", "drums", 0.0)) == {}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"gac": 1.0, "gel": 0.0}, 1.0),
        ({"gac": 0.0, "gel": 1.0}, 1.0),
        ({"gac": 0.6, "gel": 0.9}, 0.9),
        ({"gac": 1.0}, 1.0),
        ({"gac": 0.0, "gel": 0.2}, 0.2),
        ({"gac": 0.0, "gel": 0.5}, 0.5),
        ({"gac": 0.0}, None),
        ({"gel": 0.5}, None),
    ],
)
def test_a_guitar_is_absent_only_where_both_kinds_are(stated: dict[str, float], expected: float | None):
    found = mapped(OPENMIC20, *[("irmas/a", label, value) for label, value in stated.items()])
    assert found == ({} if expected is None else {("irmas/a", "guitar"): expected})


def test_in_a_corpus_of_no_instruments_all_are_absent():
    assert mapped(OPENMIC20, ("esc50/a", "dog", 1.0)) == {("esc50/a", code): 0.0 for code in CLASSES}


def test_a_label_may_be_several_instruments():
    band = build_mapping("band", validate(BAND, TaxonomyParams))
    assert mapped(band, ("openmic/a", "synthesizer", 0.9)) == {("openmic/a", "bass"): 0.9, ("openmic/a", "voice"): 0.9}


def test_what_each_corpus_can_say_anything_of():
    rows = labels_of(
        ("irmas/a", "cel", 1.0), ("openmic/a", "flute", 1.0), ("esc50/a", "dog", 1.0), ("own/a", "cello", 1.0)
    )
    covered = map_labels(rows, corpora_of(rows), IRMAS11).taxonomy.covered
    assert {corpus: len(codes) for corpus, codes in covered.items()} == {
        "irmas": 11,
        "openmic": 9,
        "esc50": 11,
        "own": 11,
    }
    assert set(IRMAS11.taxonomy.codes) - set(covered["openmic"]) == {"gac", "gel"}
    covered = map_labels(rows, corpora_of(rows), OPENMIC20).taxonomy.covered
    assert set(covered["irmas"]) == {*"cello clarinet flute guitar organ piano saxophone trumpet violin voice".split()}


@pytest.mark.parametrize(
    "spelling", ["gac", "GAC", "acoustic guitar", "Acoustic_Guitar", "acoustic-guitar", "ACOUSTIC  GUITAR"]
)
def test_own_labels_go_by_their_spelling(spelling: str):
    assert mapped(IRMAS11, ("own/a", spelling, 1.0)) == {("own/a", "gac"): 1.0}


@pytest.mark.parametrize("both", ["gac voi", "gac-voi", "acoustic guitar singing voice", "gac singing_voice"])
def test_an_own_label_may_name_several_instruments_one_after_another(both: str):
    assert mapped(IRMAS11, ("own/a", both, 1.0)) == {("own/a", "gac"): 1.0, ("own/a", "voi"): 1.0}


def test_an_own_mapping_goes_before_spelling_and_knows_any_spelling():
    for label in ("bass guitar", "Bass-Guitar"):
        assert mapped(OPENMIC20, ("own/a", label, 1.0)) == {("own/a", "bass"): 1.0}
    assert mapped(OPENMIC20, ("own/a", "Electric Guitar", 1.0)) == {("own/a", "guitar"): 1.0}


def test_every_other_denies_what_has_no_row():
    found = mapped(IRMAS11, ("own/a", "cel", 1.0), ("own/a", EVERY_OTHER, 0.0), ("own/b", "vio", 1.0))
    assert found == {
        **{("own/a", code): float(code == "cel") for code in IRMAS11.taxonomy.codes},
        ("own/b", "vio"): 1.0,
    }


def test_an_unknown_label_leaves_open_what_shares_a_word_with_it():
    rows = [("own/a", "guitar", 1.0), ("own/a", "cel", 1.0), ("own/a", EVERY_OTHER, 0.0), ("own/b", "guitar", 0.0)]
    found = mapped(IRMAS11, *rows, ("own/b", EVERY_OTHER, 0.0))
    unknown = set(IRMAS11.taxonomy.codes) - {code for clip_id, code in found if clip_id == "own/a"}
    assert unknown == {"gac", "gel"}
    assert sum(clip_id == "own/b" for clip_id, _ in found) == 11


def test_own_labels_that_are_left_out_are_counted():
    labels = labels_of(("own/a", "sitar", 1.0), ("own/b", "sitar", 1.0), ("own/b", "celo", 1.0), ("own/b", "vio", 1.0))
    found = map_labels(labels, corpora_of(labels), IRMAS11)
    assert found.left_out == {"sitar": 2, "celo": 1}
    assert found.summary() == (
        "1 labels in the 11 instruments of irmas11; labels of your own data that it has no "
        "instrument for: sitar (2), celo (1, did you mean 'cello'?)"
    )
    others = labels_of(("openmic/a", "guitar", 1.0), ("openmic/a", "flute", 1.0))
    assert map_labels(others, corpora_of(others), IRMAS11).left_out == {}


def test_own_data_of_which_nothing_is_known_are_refused():
    with pytest.raises(
        TaxonomyError, match=r"irmas11 knows none of the labels of your own data: banjo, drums\. It knows cel"
    ):
        mapped(IRMAS11, ("own/a", "banjo", 1.0), ("own/a", "drums", 1.0), ("own/a", EVERY_OTHER, 0.0))
    assert len(mapped(IRMAS11, ("own/a", EVERY_OTHER, 0.0))) == 11, "negatives alone name nothing"


def test_the_order_of_rows_does_not_matter():
    rows = [("irmas/a", "gac", 0.0), ("irmas/a", "gel", 1.0), ("own/b", "x", 1.0), ("own/b", "voice", 1.0)]
    labels = labels_of(*rows)
    pd.testing.assert_frame_equal(
        map_labels(labels, corpora_of(labels), OPENMIC20).labels,
        map_labels(labels[::-1], corpora_of(labels), OPENMIC20).labels,
    )


def test_an_automatic_taxonomy_has_the_labels_of_own_data():
    labels = labels_of(
        ("own/a", "Steel Drums", 1.0), ("own/a", "banjo", 0.0), ("own/b", "Bass", 1.0), ("own/b", EVERY_OTHER, 0.0)
    )
    mapping = automatic_mapping(labels, corpora_of(labels))
    assert mapping.taxonomy.name == "auto"
    assert mapping.taxonomy.names == {"banjo": "banjo", "bass": "Bass", "steel_drums": "Steel Drums"}
    found = map_labels(labels, corpora_of(labels), mapping)
    assert found.left_out == {}
    assert dict(
        zip(
            zip(found.labels["clip_id"], found.labels["instrument"], strict=True),
            found.labels["relevance"],
            strict=True,
        )
    ) == {
        ("own/a", "steel_drums"): 1.0,
        ("own/a", "banjo"): 0.0,
        ("own/b", "bass"): 1.0,
        ("own/b", "banjo"): 0.0,
        ("own/b", "steel_drums"): 0.0,
    }


def test_an_automatic_taxonomy_is_of_own_data_alone():
    labels = labels_of(("own/a", "banjo", 1.0))
    with pytest.raises(TaxonomyError, match=r"is for own data alone, and esc50, irmas is used as well; switch it off"):
        automatic_mapping(labels, {"own/a": "own", "irmas/a": "irmas", "esc50/a": "esc50"})


def test_an_automatic_taxonomy_needs_labels_that_differ_in_code():
    with pytest.raises(TaxonomyError, match="none of their clips has a label"):
        automatic_mapping(labels_of(("own/a", EVERY_OTHER, 0.0)), {"own/a": "own"})
    labels = labels_of(("own/a", "drum & bass", 1.0), ("own/a", "drum bass", 1.0))
    with pytest.raises(TaxonomyError, match=r"'drum & bass' and 'drum bass' .* would both get the code drum_bass"):
        automatic_mapping(labels, {"own/a": "own"})


def test_no_word_of_the_taxonomies_is_lost_between_params_yaml_and_the_mapping():
    for name, entry in ENTRIES.items():
        taxonomy = build_mapping(name, entry).taxonomy
        assert [(each.code, each.name, each.family) for each in taxonomy.instruments] == [
            (each.code, each.name, each.family) for each in entry.instruments
        ]


@pytest.mark.parametrize("name", ["band.json", "band.yaml"])
def test_a_file_of_the_users_is_a_taxonomy(tmp_path: Path, name: str):
    (tmp_path / name).write_text(json.dumps(BAND), encoding="utf-8")  # every JSON file is a YAML file
    mapping = select_mapping(select_taxonomy(name, ENTRIES, tmp_path), labels_of(), {})
    assert (mapping.taxonomy.name, mapping.taxonomy.codes) == ("band", ("banjo", "bass", "voice"))
    assert mapped(mapping, ("openmic/a", "banjo", 1.0)) == {("openmic/a", "banjo"): 1.0}


def test_an_entry_is_selected_by_its_name_and_auto_by_that_word(tmp_path: Path):
    labels = labels_of(("own/a", "banjo", 1.0))
    selected = {name: select_taxonomy(name, ENTRIES, tmp_path) for name in ("openmic20", "auto")}
    for name, each in selected.items():  # through the file that the stages hand on
        assert SelectedTaxonomy.model_validate_json(each.model_dump_json()) == each, name
    assert select_mapping(selected["openmic20"], labels, {}).taxonomy == OPENMIC20.taxonomy
    assert select_mapping(selected["auto"], labels, {"own/a": "own"}).taxonomy.codes == ("banjo",)
    with pytest.raises(ParamsError, match=r"'irmas12' is neither a key of `taxonomies`, .*; did you mean 'irmas11'\?"):
        select_taxonomy("irmas12", ENTRIES, tmp_path)


def test_a_file_that_is_not_there_is_named_with_those_that_are(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text("x: 1\n")
    (tmp_path / "README.md").write_text("about\n")
    with pytest.raises(TaxonomyError, match=r"taxonomy is 'band.yaml', but .* holds mine\.yaml; put the file there"):
        read_taxonomy_file(tmp_path, "band.yaml")
    with pytest.raises(TaxonomyError, match="holds no YAML or JSON file"):
        read_taxonomy_file(tmp_path / "nowhere", "../band.yaml")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("instruments: []\ncorpora: {}\n", r"band\.yaml cannot be used as it is:\n  instruments: "),
        ("instruments:\n- {code: A b, name: x, family: ''}\ncorpora: {}\n", r"instruments\.0\.code: .*found 'A b'"),
        (
            "instruments:\n- {code: a, name: x, family: ''}\n- {code: a, name: y, family: ''}\ncorpora: {}\n",
            r"two instruments have the code 'a'",
        ),
        (
            "instruments:\n- {code: a, name: x, family: ''}\ncorpora: {openmic: {banjo: b}}\n",
            r"corpora\.openmic\.banjo names 'b', which is no code of its instruments \(a\)",
        ),
        ("instruments:\n- {code: a, name: x, family: ''}\n  x\n", r"band\.yaml is not valid YAML"),
        ("instruments:\n- {code: a, name: x, family: ''}\n", r"corpora: is missing"),
    ],
)
def test_a_file_that_holds_no_taxonomy_is_refused(tmp_path: Path, content: str, text: str):
    (tmp_path / "band.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ParamsError, match=text):
        read_taxonomy_file(tmp_path, "band.yaml")


def test_a_label_that_nobody_observed_leaves_what_it_may_mean_unknown_beside_an_absent_rest():
    own = [("own/a", "banjo", 0.5), ("own/a", EVERY_OTHER, 0.0)]
    mapping = build_mapping("band", validate(BAND, TaxonomyParams))
    assert mapped(mapping, *own) == {("own/a", "banjo"): 0.5, ("own/a", "bass"): 0.0, ("own/a", "voice"): 0.0}
    by_meaning = LabelMapping(mapping.taxonomy, {}, {"musicnet": {"1": ["banjo"], "7": ["bass", "voice"]}})
    assert mapped(by_meaning, ("musicnet/a", "1", 0.5), ("musicnet/a", EVERY_OTHER, 0.0)) == {
        ("musicnet/a", "bass"): 0.0,
        ("musicnet/a", "voice"): 0.0,
    }
    assert mapped(by_meaning, ("musicnet/a", "7", 0.5), ("musicnet/a", "1", 1.0), ("musicnet/a", EVERY_OTHER, 0.0)) == {
        ("musicnet/a", "banjo"): 1.0
    }
