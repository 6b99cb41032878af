"""Own data in the pipeline itself: what dvc.lock pins, and what happens when they change."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pipeline.checkout import Checkout, stages_run

from instrumentarium.tables import SPLIT

pytestmark = pytest.mark.slow

OWN = "collections.miniature.corpora.own"


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


def test_own_data_are_read_in_place_pinned_and_held_to_it(workshop: Checkout, recordings: Path) -> None:
    settings = ("-S", f"{OWN}.use=true", "-S", f"{OWN}.path={recordings}")
    output = workshop.dvc("exp", "run", *settings)
    after = {"duplicates", "split", "stats", "train", "score", "evaluate", "explain", "report"}
    ran = {"params", "download@own", "ingest@own", *after}
    assert set(stages_run(output)) == ran
    split = SPLIT.read(workshop.path("data/split.csv")).set_index("clip_id")["split"]
    own = {clip_id: part for clip_id, part in split.items() if clip_id.startswith("own/")}
    assert own == {clip_id: clip_id.removeprefix("own/").partition("-")[0] for clip_id in own}
    assert len(own) == 6
    assert [path.name for path in workshop.path("data/raw/miniature/own").iterdir()] == ["manifest.csv"]
    assert workshop.dvc_json("status") == {}

    # DVC doesn't watch the user's files; a change is found when they are read, and accepted on request
    (recordings.parent / "train-cel.wav").write_bytes((recordings.parent / "test-none.wav").read_bytes())
    assert workshop.dvc_json("status") == {}
    failed = workshop.dvc("repro", "--force", "--single-item", "ingest@own", fails=True)
    assert "train-cel.wav has changed since stock was taken of it" in failed
    assert "dvc repro --force --single-item download@own" in failed
    workshop.dvc("repro", "--force", "--single-item", "download@own")
    settled = ["ingest@own", "duplicates", "split"]
    assert stages_run(workshop.dvc("repro", "split")) == settled
    assert set(workshop.dvc_json("status")) == ran - {"params", "download@own", *settled}
    workshop.restore()
    workshop.dvc("checkout", "--force")
