"""A corpus that a run adds: from the publisher's server to what a training reads, and what is left of it afterwards."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from publisher import publishing

from instrumentarium.acquisition import licences
from instrumentarium.acquisition.archivecache import provide
from instrumentarium.acquisition.download import card_of, provide_archives
from instrumentarium.clips.collection import (
    LeftoverError,
    check_corpora,
    corpus_folders,
    open_samples,
    read_clips,
    read_labels,
    read_meanings,
)
from instrumentarium.clips.duplicates import merged_recordings
from instrumentarium.clips.labels import label_arrays
from instrumentarium.config.clips import longest_clip_s
from instrumentarium.corpora.nsynth import published
from instrumentarium.corpora.nsynth.params import NsynthParams
from instrumentarium.corpora.source.archives import ArchiveError
from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.params import CORPORA, DEFAULT, Corpus, comes_rendered, params_of
from instrumentarium.ingestion.ingest import ingest_corpus
from instrumentarium.runtime.section import read_yaml, validate
from instrumentarium.splitting.assignment import assigned_splits
from instrumentarium.splitting.params import SplitParams
from instrumentarium.splitting.rules import RULES
from instrumentarium.tables.mapping import map_labels
from instrumentarium.tables.params import TaxonomyParams
from instrumentarium.tables.selection import select_mapping, select_taxonomy
from instrumentarium.tables.table import TableError

Writer = Callable[..., Path]
ROOT = Path(__file__).resolve().parents[2]
PARAMS = read_yaml(ROOT / "params.yaml")
ADDED: tuple[Corpus, ...] = tuple(corpus for corpus in CORPORA if corpus not in DEFAULT)
NOTES = [
    *(f"guitar_acoustic_00{number}-060-100" for number in range(4)),
    *(f"guitar_acoustic_000-0{pitch}-075" for pitch in (62, 64, 65)),
    *(f"reed_acoustic_00{number}-060-100" for number in range(4)),
]
NO_PAIRS = pd.DataFrame(columns=["clip_a", "clip_b"])


@pytest.fixture
def archive(tmp_path: Path, write_tgz: Writer, tone: Writer, audio: Writer) -> Path:
    """Return an archive of eleven notes, each of its own pitch."""
    members = [
        (f"nsynth-test/audio/{name}.wav", audio(tone(4.0, 200.0 + 37 * number, 16_000), 16_000))
        for number, name in enumerate(NOTES)
    ]
    return write_tgz(tmp_path / "served" / "nsynth-test.jsonwav.tar.gz", members)


@pytest.fixture
def served(archive: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve the archive where NSynth's card says that it lies."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    card_module = importlib.import_module("instrumentarium.corpora.nsynth.card")
    with publishing(archive.read_bytes()) as server:
        card = card_module.CARD
        archives = tuple(replace(each, url=server.url) for each in card.archives)
        monkeypatch.setattr(card_module, "CARD", replace(card, archives=archives))
        monkeypatch.setattr(published, "PUBLISHED", Published({"test": len(NOTES)}, published.part_of))
        yield archive


def test_notes_come_from_the_server_into_what_a_training_reads(tmp_path: Path, served: Path):
    settings, raw, folder = NsynthParams(use=True, parts=["test"]), tmp_path / "raw", tmp_path / "clips" / "nsynth"
    said = provide_archives(
        "nsynth", settings, "rendered", seed=0, soundfonts=[], own=None, folder=raw, truth=tmp_path / "truth"
    )
    assert said.startswith("1 archives, ")
    assert (raw / served.name).read_bytes() == served.read_bytes()
    terms = (raw / licences.FILE).read_text(encoding="utf-8")
    assert "nsynth-test.jsonwav.tar.gz, its publisher states no checksum: <http://127.0.0.1" in terms
    assert "nsynth-train" not in terms
    assert (tmp_path / "truth" / "truth.csv").read_text() == "clip_id,flaw,detail\n"

    lines = ingest_corpus("nsynth", settings, "rendered", raw, folder, 16_000)
    assert lines[1] == "counts as published: 11 audio files (test 11), 11 of them used"
    folders = corpus_folders(tmp_path / "clips")
    clips, stated = read_clips(folders), read_labels(folders)
    corpus_of = dict(zip(clips["clip_id"], clips["corpus"], strict=True))
    entries = validate(PARAMS["taxonomies"], dict[str, TaxonomyParams])
    selected = select_taxonomy("irmas11", entries, tmp_path)
    mapping = select_mapping(selected, stated, corpus_of, read_meanings(folders))
    mapped = map_labels(stated, corpus_of, mapping)
    arrays = label_arrays(clips, mapped.labels, mapped.taxonomy, irmas_train_absent="negative")
    guitars = clips["clip_id"].str.contains("guitar").to_numpy()
    codes = list(mapped.taxonomy.codes)
    assert arrays.targets[guitars].sum(axis=0).tolist() == [7 if code == "gac" else 0 for code in codes]
    assert arrays.observed[guitars].all()
    assert not arrays.targets[~guitars].any()
    unknown = {code for code, known in zip(codes, arrays.observed[~guitars].T, strict=True) if not known.any()}
    assert unknown == {"sax", "cla"}
    assert arrays.observed[~guitars].sum() == 4 * 9

    assert len(open_samples(clips, folders).read(0)) == 64_000


def test_halves_of_the_notes_validate_and_test_and_no_instrument_is_in_both(tmp_path: Path):
    names = [f"guitar_acoustic_{number:03}" for number in range(12)]
    parts = ["train"] * 4 + ["validation", "test"] * 4
    rows = [
        {"clip_id": f"nsynth/{name}-{note}", "corpus": "nsynth", "recording_id": f"nsynth/{name}", "official_split": part,
         "pcm_hash": f"{number:030x}{note:02x}"}
        for number, (name, part) in enumerate(zip(names, parts, strict=True))
        for note in range(3)
    ]  # fmt: skip
    rows += [  # the two parts that the publisher keeps from train share their instruments
        {**row, "clip_id": f"{row['clip_id']}-again", "official_split": "test", "pcm_hash": f"{row['pcm_hash'][:-1]}f"}
        for row in rows
        if row["official_split"] == "validation"
    ]
    clips = pd.DataFrame(rows)
    clips["pcm_hash"] = [f"{number:032x}" for number in range(len(clips))]
    labels = pd.DataFrame({"clip_id": clips["clip_id"], "instrument": "gac", "relevance": 1.0})
    params = validate(PARAMS["split"], SplitParams)
    split = assigned_splits(clips, labels, merged_recordings(clips, NO_PAIRS), params, 0, ["gac"])
    joined = clips.merge(split.rename(columns={"recording_id": "merged"}), on="clip_id")
    assert (joined.groupby("recording_id")["split"].nunique() == 1).all()
    assert set(joined.loc[joined["official_split"] == "train", "split"]) == {"train"}
    assert set(joined.loc[joined["official_split"] != "train", "split"]) == {"validation", "test"}


@pytest.mark.parametrize("corpus", ADDED)
def test_an_added_corpus_has_all_that_the_stages_ask_of_it(corpus: Corpus):
    assert importlib.import_module(f"instrumentarium.corpora.{corpus}.parser").read_clips
    longest = longest_clip_s(corpus)
    assert longest is None or 0 < longest <= 15
    assert corpus in RULES
    assert not comes_rendered(corpus, "rendered")
    card = card_of(corpus)
    assert card.corpus == corpus
    assert card.licences
    assert card.citation
    collections = PARAMS["collections"]
    assert isinstance(collections, dict)
    for name in collections:
        settings = validate(collections[name]["corpora"][corpus], params_of(corpus))
        assert settings.use
        parts = settings.wanted_parts()
        assert card.of_parts(parts).archives
        assert parts is None or {each.part for each in card.archives} >= set(parts)


@pytest.mark.parametrize("corpus", ADDED)
def test_terms_name_every_archive_and_how_it_is_verified(corpus: Corpus):
    card = card_of(corpus)
    text = licences.published(card)
    for each in card.archives:
        assert (
            f"- {each.name}, {'its publisher states no checksum' if each.md5 is None else f'md5 {each.md5}'}: " in text
        )
        assert each.about_bytes > 0


def test_what_is_given_on_request_is_asked_for_and_not_fetched(tmp_path: Path, cache: Path):
    card = card_of("medleydb").of_parts(["v1"])
    with pytest.raises(
        ArchiveError, match=r"MedleyDB is given on request only, and MedleyDB_V1\.tar\.gz is missing: ask "
    ):
        provide(card, tmp_path / "raw", None)
    own = tmp_path / "own"
    for name in ("MedleyDB_V1.tar.gz", "medleydb-master.zip"):
        own.mkdir(exist_ok=True)
        (own / name).write_bytes(name.encode())
    provide(card, tmp_path / "raw", own)
    assert (tmp_path / "raw" / "MedleyDB_V1.tar.gz").read_bytes() == b"MedleyDB_V1.tar.gz"


def test_a_corpus_that_an_earlier_run_added_is_refused(tmp_path: Path):
    for corpus in ("irmas", "nsynth"):
        (tmp_path / corpus).mkdir()
    folders = corpus_folders(tmp_path)
    check_corpora(folders, [*DEFAULT, "nsynth"])
    with pytest.raises(
        LeftoverError, match=r"holds nsynth, which `corpora` in params\.yaml does not name: .*Run `rm -r "
    ):
        check_corpora(folders, DEFAULT)


@pytest.mark.parametrize("text", ["{", '{"labels": {"a": "b"}}', '{"labels": []}'])
def test_meanings_that_are_none_are_named(tmp_path: Path, text: str):
    (tmp_path / "nsynth").mkdir()
    assert read_meanings([tmp_path / "nsynth"]) == {}
    (tmp_path / "nsynth" / "card.json").write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=r"(?s)card\.json is no corpus's card: .*run `dvc repro ingest@nsynth`"):
        read_meanings([tmp_path / "nsynth"])


def test_a_taxonomy_may_say_what_labels_mean_in_the_corpuss_place(tmp_path: Path):
    labels = pd.DataFrame([("a", "reed_acoustic", 1.0)], columns=["clip_id", "label", "relevance"])
    raw = {
        "instruments": [{"code": "sax", "name": "saxophone", "family": ""}],
        "corpora": {"nsynth": {"reed_acoustic": "sax"}},
    }
    entries = validate({"mine": raw}, dict[str, TaxonomyParams])
    meanings = {"nsynth": {"reed_acoustic": ["clarinet"]}}
    mapping = select_mapping(select_taxonomy("mine", entries, tmp_path), labels, {"a": "nsynth"}, meanings)
    assert map_labels(labels, {"a": "nsynth"}, mapping).labels.to_numpy().tolist() == [["a", "sax", 1.0]]
    assert np.array_equal(mapping.taxonomy.codes, ["sax"])
