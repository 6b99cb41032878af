"""A collection's corpora, added and switched off; own data: what dvc.lock pins, and what happens when they change."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pipeline.checkout import Checkout, stages_run

from instrumentarium.tables.schemas import SPLIT, resolved_labels_table
from instrumentarium.tables.taxonomy import read_taxonomy

CORPORA = "collections.miniature.corpora"


@pytest.fixture
def band(tmp_path: Path, tone: Callable[..., npt.NDArray[np.float64]], audio: Callable[..., bytes]) -> Path:
    """Return a table of recordings of three instruments that no corpus has, spelled as people spell."""
    rows = ["path,labels,split"]
    spellings = {"train": "Banjo; steel drums", "validation": "banjo|Steel-Drums", "test": "BANJO, steel_drums"}
    number = 0
    for split, both in spellings.items():
        for labels in (both, "electric bass", "none", "banjo"):
            number += 1
            (tmp_path / f"{number}.wav").write_bytes(audio(tone(2.5, hz=150 + 40 * number)))
            rows.append(f'{number}.wav,"{labels}",{split}')
    (tmp_path / "band.csv").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path / "band.csv"


@pytest.fixture
def recordings(tmp_path: Path, tone: Callable[..., npt.NDArray[np.float64]], audio: Callable[..., bytes]) -> Path:
    """Return a table of six recordings outside the repository, a split stated for each."""
    rows = ["path,labels,split"]
    for number, (name, labels, split) in enumerate(
        [
            (f"{split}-{labels}", labels, split)
            for split in ("train", "validation", "test")
            for labels in ("cel", "none")
        ]
    ):
        (tmp_path / f"{name}.wav").write_bytes(audio(tone(1.0, hz=200 + 50 * number)))
        rows.append(f"{name}.wav,{labels},{split}")
    (tmp_path / "table.csv").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path / "table.csv"


def test_corpora_are_added_and_switched_off_and_own_data_are_held_to_what_was_read(
    workshop: Checkout, recordings: Path
) -> None:
    off = ("openmic", "esc50")
    settings = ["own.use=true", f"own.path={recordings}", *(f"{corpus}.use=false" for corpus in off)]
    output = workshop.dvc("exp", "run", *(word for setting in settings for word in ("-S", f"{CORPORA}.{setting}")))
    of_corpora = {f"{stage}@{corpus}" for stage in ("download", "ingest") for corpus in ("own", *off)}
    after = {"duplicates", "split", "stats", "train", "score", "evaluate", "explain", "report"}
    after |= {"audit", "baseline", "descriptors", "ensemble", "keys"}
    assert set(stages_run(output)) == {"params", *of_corpora, *after}
    for corpus in off:
        assert list(workshop.path(f"data/raw/miniature/{corpus}").iterdir()) == []
        for table in ("clips", "labels", "rejected"):
            path = workshop.path(f"data/clips/miniature/{corpus}/{table}.csv")
            assert len(path.read_text(encoding="utf-8").splitlines()) == 1, path
    split = SPLIT.read(workshop.path("data/split.csv")).set_index("clip_id")["split"]
    assert {clip_id.partition("/")[0] for clip_id in split.index} == {"irmas", "own"}
    own = {clip_id: part for clip_id, part in split.items() if clip_id.startswith("own/")}
    assert own == {clip_id: clip_id.removeprefix("own/").partition("-")[0] for clip_id in own}
    assert len(own) == 6
    listed = sorted(path.name for path in workshop.path("data/raw/miniature/own").iterdir())
    assert listed == ["labels.csv", "manifest.csv"]
    assert workshop.json("metrics/evaluate.json")["f1_macro"] >= 0
    assert workshop.json("data/evaluation.json")["test"]["per_corpus"].keys() == {"irmas", "own"}
    assert workshop.dvc_json("status", "dvc.yaml") == {}

    # DVC doesn't watch the user's files; a change is found when they are read, and accepted on request
    (recordings.parent / "train-cel.wav").write_bytes((recordings.parent / "test-none.wav").read_bytes())
    assert workshop.dvc_json("status", "dvc.yaml") == {}
    failed = workshop.dvc("repro", "--force", "--single-item", "ingest@own", fails=True)
    assert "train-cel.wav has changed since the manifest was written" in failed
    assert "dvc repro --force --single-item download@own" in failed
    workshop.dvc("repro", "--force", "--single-item", "download@own")
    assert stages_run(workshop.dvc("repro", "split")) == ["ingest@own", "duplicates", "split"]
    assert set(workshop.dvc_json("status", "dvc.yaml")) == after - {"duplicates", "split"}
    workshop.restore()
    workshop.dvc("checkout", "--force")


def test_instruments_of_own_data_are_trained_evaluated_and_predicted(workshop: Checkout, band: Path) -> None:
    settings = ["taxonomy=auto", f"{CORPORA}.own.use=true", f"{CORPORA}.own.path={band}"]
    settings += [f"{CORPORA}.{corpus}.use=false" for corpus in ("irmas", "openmic", "esc50")]
    workshop.dvc("exp", "run", *(word for setting in settings for word in ("-S", setting)))
    taxonomy = read_taxonomy(workshop.path("data/taxonomy.json"))
    assert taxonomy.names == {"banjo": "Banjo", "electric_bass": "electric bass", "steel_drums": "steel drums"}
    labels = resolved_labels_table(taxonomy).read(workshop.path("data/labels.csv"))
    assert len(labels) == 12 * 3, "every list names all that plays"
    assert (labels[labels["relevance"] == 1].groupby("instrument").size() == [6, 3, 3]).all()
    assert len(SPLIT.read(workshop.path("data/split.csv"))) == 12

    codes = ["banjo", "electric_bass", "steel_drums"]
    assert [label["code"] for label in workshop.json("data/model/model.json")["labels"]] == codes
    assert list(workshop.json("metrics/instruments.json")) == codes
    assert workshop.json("metrics/evaluate.json")["f1_macro"] >= 0
    assert workshop.json("data/evaluation.json")["test"]["instruments_with_positives"] == 3
    assert "steel drums" in workshop.path("plots/report.html").read_text(encoding="utf-8")
    command = ("python", "-c", "from instrumentarium.commands.app import app; app()")  # of the clone's own code
    output = workshop.run(*command, "predict", str(band.with_name("9.wav")), "--format", "json", PYTHONPATH="src")
    (predicted,) = json.loads(output[output.index("[") :])
    assert sorted(predicted["instruments"]) == codes
    assert all(0 <= found["score"] <= 1 for found in predicted["instruments"].values())
    workshop.restore()
    workshop.dvc("checkout", "--force")
