"""What one instrument's name says of another, on words whose meaning nobody doubts."""

import importlib
from pathlib import Path

import pandas as pd
import pytest

from instrumentarium.corpora.source.params import CORPORA, DEFAULT
from instrumentarium.runtime.section import read_yaml, validate
from instrumentarium.tables.kinds import ANYTHING, Verdict, canonical, names_implied, verdict
from instrumentarium.tables.mapping import build_mapping, map_labels
from instrumentarium.tables.params import TaxonomyParams

ENTRIES = validate(
    read_yaml(Path(__file__).resolve().parents[2] / "params.yaml")["taxonomies"], dict[str, TaxonomyParams]
)
ADDED = [corpus for corpus in CORPORA if corpus not in DEFAULT]


@pytest.mark.parametrize(
    ("meant", "instrument", "expected"),
    [
        (["violin"], "Violin", "present"),
        (["violin"], "cello", "other"),
        (["tenor saxophone"], "sax", "present"),
        (["saxophone"], "tenor_saxophone", "unknown"),
        (["female singer"], "voice", "present"),
        (["female singer"], "male singer", "other"),
        (["distorted electric guitar"], "guitar", "present"),
        (["distorted electric guitar"], "electric guitar", "present"),
        (["distorted electric guitar"], "acoustic guitar", "other"),
        (["acoustic guitar", "electric guitar"], "guitar", "present"),
        (["acoustic guitar", "electric guitar"], "electric guitar", "unknown"),
        (["acoustic guitar", "electric guitar"], "bass", "other"),
        (["trumpet", "trombone"], "trumpet", "unknown"),
        (["trumpet", "trombone"], "violin", "other"),
        (["drum set"], "drums", "present"),
        (["drum set"], "cymbals", "unknown"),
        (["drum set"], "piano", "other"),
        (["electric piano"], "piano", "unknown"),
        (["double bass"], "bass", "unknown"),
        (["electric bass"], "bass", "present"),
        ([ANYTHING], "piano", "unknown"),
        ([], "piano", "other"),
        (["guzheng"], "piano", "other"),
    ],
)
def test_what_a_name_says_of_an_instrument(meant: list[str], instrument: str, expected: Verdict):
    assert verdict(meant, instrument) == expected


def test_every_instrument_is_itself_and_all_that_it_is_a_kind_of():
    assert names_implied("distorted electric guitar") == {"distorted electric guitar", "electric guitar", "guitar"}
    assert names_implied("oud") == {"oud"}


@pytest.mark.parametrize("corpus", ADDED)
def test_the_labels_of_a_corpus_mean_names_in_the_spelling_that_is_compared(corpus: str):
    card = importlib.import_module(f"instrumentarium.corpora.{corpus}.card").CARD
    assert card.labels
    assert all(names for names in card.labels.values())
    for names in card.labels.values():
        assert list(names) == list(dict.fromkeys(names))
        assert all(canonical(name) == canonical(canonical(name)) for name in names)


def says(corpus: str, label: str, taxonomy: str) -> tuple[set[str], set[str]]:
    """Return which instruments of a taxonomy are present, and which are unknown, where a label alone plays."""
    card = importlib.import_module(f"instrumentarium.corpora.{corpus}.card").CARD
    mapping = build_mapping(taxonomy, ENTRIES[taxonomy])
    mapping = type(mapping)(mapping.taxonomy, mapping.corpora, {corpus: card.labels})
    labels = pd.DataFrame([("a", label, 1.0), ("a", "*", 0.0)], columns=["clip_id", "label", "relevance"])
    found = map_labels(labels, {"a": corpus}, mapping)
    known = dict(zip(found.labels["instrument"], found.labels["relevance"], strict=True))
    assert set(known.values()) <= {0.0, 1.0}
    assert found.taxonomy.covered_by(corpus) == mapping.taxonomy.codes
    return {code for code, value in known.items() if value}, set(mapping.taxonomy.codes) - set(known)


@pytest.mark.parametrize(
    ("corpus", "label", "irmas", "openmic"),
    [
        ("nsynth", "guitar_acoustic", ({"gac"}, set()), ({"guitar"}, set())),
        ("nsynth", "guitar_electronic", ({"gel"}, set()), ({"guitar"}, set())),
        ("nsynth", "keyboard_acoustic", (set(), {"pia"}), (set(), {"piano", "mallet_percussion"})),
        ("nsynth", "reed_acoustic", (set(), {"sax", "cla"}), (set(), {"saxophone", "clarinet", "accordion"})),
        ("nsynth", "brass_acoustic", (set(), {"tru"}), (set(), {"trumpet", "trombone"})),
        ("nsynth", "string_acoustic", (set(), {"vio", "cel"}), (set(), {"violin", "cello", "bass"})),
        ("nsynth", "vocal_acoustic", ({"voi"}, set()), ({"voice"}, set())),
        ("nsynth", "bass_electronic", (set(), set()), (set(), {"bass", "synthesizer"})),
        ("nsynth", "organ_electronic", ({"org"}, set()), ({"organ"}, {"synthesizer"})),
        ("nsynth", "synth_lead_synthetic", (set(), set()), ({"synthesizer"}, set())),
        ("medley_solos", "tenor saxophone", ({"sax"}, set()), ({"saxophone"}, set())),
        ("medley_solos", "distorted electric guitar", ({"gel"}, set()), ({"guitar"}, set())),
        ("medley_solos", "female singer", ({"voi"}, set()), ({"voice"}, set())),
        ("tinysol", "Vc", ({"cel"}, set()), ({"cello"}, set())),
        ("tinysol", "Acc", (set(), set()), ({"accordion"}, set())),
        ("tinysol", "Ob", (set(), set()), (set(), set())),
        ("good_sounds", "piccolo", (set(), {"flu"}), (set(), {"flute"})),
        ("philharmonia", "guitar", (set(), {"gac", "gel"}), ({"guitar"}, set())),
        ("philharmonia", "percussion", (set(), set()), (set(), {"drums", "cymbals", "mallet_percussion"})),
        ("musicnet", "41", ({"vio"}, set()), ({"violin"}, set())),
        ("slakh", "128", (set(), set()), ({"drums"}, {"cymbals"})),
        ("slakh", "22", (set(), {"org"}), (set(), {"organ", "accordion"})),
        ("slakh", "30", ({"gel"}, set()), ({"guitar"}, set())),
        ("medleydb", "clean electric guitar", ({"gel"}, set()), ({"guitar"}, set())),
        ("medleydb", "male rapper", (set(), {"voi"}), (set(), {"voice"})),
    ],
)
def test_what_labels_say_in_the_two_taxonomies(
    corpus: str, label: str, irmas: tuple[set[str], set[str]], openmic: tuple[set[str], set[str]]
):
    assert (says(corpus, label, "irmas11"), says(corpus, label, "openmic20")) == (irmas, openmic)


def test_of_what_may_be_anything_nothing_is_known():
    present, unknown = says("medleydb", "Unlabeled", "irmas11")
    assert (present, len(unknown)) == (set(), 11)
