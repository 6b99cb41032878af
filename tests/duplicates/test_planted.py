"""The flaws planted in the miniature, through rendering, archives, parsers and decoding: all found, nothing else."""

import csv
from pathlib import Path

import pytest

from instrumentarium.clips.collection import open_samples, read_clips
from instrumentarium.corpora.irmas import parser as irmas_parser
from instrumentarium.corpora.openmic import parser as openmic_parser
from instrumentarium.duplicates.search import find_duplicates
from instrumentarium.ingestion.ingest import ingest
from instrumentarium.miniature.layouts import irmas, openmic
from instrumentarium.miniature.layouts.shared import CUTS_S
from instrumentarium.runtime import workers


def test_what_was_planted_is_found_and_nothing_innocent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers, "usable_cores", lambda: 1)  # starting others takes longer than so small a rendering
    for corpus in ("irmas", "openmic"):
        (tmp_path / "raw" / corpus).mkdir(parents=True)
    irmas.render(tmp_path / "raw" / "irmas", tmp_path / "irmas.csv", seed=2026, train_recordings=2, test_songs=4)
    openmic.render(tmp_path / "raw" / "openmic", tmp_path / "openmic.csv", seed=2026, clips=12)
    ingest("irmas", irmas_parser.read_clips(tmp_path / "raw" / "irmas"), tmp_path / "irmas", 32000)
    ingest("openmic", openmic_parser.read_clips(tmp_path / "raw" / "openmic"), tmp_path / "openmic", 32000)
    folders = [tmp_path / "irmas", tmp_path / "openmic"]
    truth = [row for name in ("irmas", "openmic") for row in csv.DictReader((tmp_path / f"{name}.csv").open())]
    partners = {
        tuple(sorted((row["clip_id"], row["partner"])))
        for row in truth
        if row["flaw"] in ("duplicate", "contradiction")
    }
    *cuts, whole = sorted(row["clip_id"] for row in truth if row["flaw"] == "shared")
    assert len(cuts) == len(CUTS_S)

    clips = read_clips(folders)
    pairs = find_duplicates(clips, open_samples(clips, folders), 32000)
    recording = dict(zip(clips["clip_id"], clips["recording_id"], strict=True))
    found = pairs.set_index(["clip_a", "clip_b"])
    elsewhere = {pair for pair in found.index if recording[pair[0]] != recording[pair[1]]}
    assert partners <= set(found.index)
    assert elsewhere <= partners | {(cut, whole) for cut in cuts}
    for cut, begin_s in zip(cuts, CUTS_S, strict=True):
        assert found.loc[(cut, whole), "offset_s"] == pytest.approx(-begin_s, abs=2e-3)
        assert found.loc[(cut, whole), "overlap_s"] == pytest.approx(3.0, abs=2e-3)
