"""A corpus that a run adds: its stages, what the others read of it, and that nothing of it is left in later runs."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pipeline.checkout import Checkout, stages_run

from instrumentarium.runtime.section import read_yaml
from instrumentarium.tables.schemas import CLIPS, SPLIT, resolved_labels_table
from instrumentarium.tables.taxonomy import read_taxonomy

LEARNT_FROM = ("duplicates", "split", "stats", "train")
"""Stages whose entries in dvc.lock must be those of before."""


@pytest.fixture
def samples(tmp_path: Path, tone: Callable[..., npt.NDArray[np.float64]], audio: Callable[..., bytes]) -> Path:
    """Return a folder with the Philharmonia's archive, of four notes."""
    with zipfile.ZipFile(tmp_path / "all-samples.zip", "w") as archive:
        for number, name in enumerate(("cello_A2", "cello_B2", "guitar_A4", "viola_C4")):
            inside = io.BytesIO()
            with zipfile.ZipFile(inside, "w") as instrument:
                data = audio(tone(2.5, hz=150 + 70 * number), kind="MP3", subtype="MPEG_LAYER_III")
                instrument.writestr(f"{name}_1_forte_normal.mp3", data)
            archive.writestr(f"all-samples/{name}.zip", inside.getvalue())
    return tmp_path


def test_an_added_corpus_is_read_by_all_and_refused_once_it_is_no_longer_named(
    workshop: Checkout, samples: Path
) -> None:
    before = read_yaml(workshop.path("dvc.lock"))["stages"]
    named = "corpora=[irmas,openmic,esc50,own,philharmonia]"
    output = workshop.dvc("exp", "run", "-S", named, "-S", f"download.archives={samples}")
    ran = set(stages_run(output))
    assert {"download@philharmonia", "ingest@philharmonia", "duplicates", "split", "train"} <= ran
    assert not {"ingest@irmas", "ingest@openmic", "ingest@esc50", "ingest@own"} & ran
    clips = CLIPS.read(workshop.path("data/clips/miniature/philharmonia/clips.csv"))
    assert len(clips) == 4
    split = SPLIT.read(workshop.path("data/split.csv")).set_index("clip_id")["split"]
    assert set(split[clips["clip_id"]]) == {"train"}
    labels = resolved_labels_table(read_taxonomy(workshop.path("data/taxonomy.json"))).read(
        workshop.path("data/labels.csv")
    )
    known = labels[labels["clip_id"].isin(clips["clip_id"])]
    said = {name: part.set_index("instrument")["relevance"].to_dict() for name, part in known.groupby("clip_id")}
    (guitar,) = (found for name, found in said.items() if "guitar" in name)
    assert not {"gac", "gel"} & set(guitar)
    assert set(guitar.values()) == {0.0}
    assert [sum(found.values()) for name, found in sorted(said.items())] == [1.0, 1.0, 0.0, 0.0]
    card = json.loads(workshop.path("data/clips/miniature/philharmonia/card.json").read_text(encoding="utf-8"))
    assert card["unverified"] == ["all-samples.zip"]
    assert workshop.dvc_json("status", "dvc.yaml") == {}

    workshop.restore()
    failed = workshop.dvc("repro", fails=True)
    assert "data/clips/miniature holds philharmonia, which `corpora` in params.yaml does not name" in failed
    shutil.rmtree(workshop.path("data/clips/miniature/philharmonia"))
    assert not set(stages_run(workshop.dvc("repro"))) & {"train", "evaluate"}
    after = read_yaml(workshop.path("dvc.lock"))["stages"]
    assert [after[name] for name in LEARNT_FROM] == [before[name] for name in LEARNT_FROM]
