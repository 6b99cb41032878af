import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from damaged import DAMAGED_JSON

from instrumentarium.acquisition import download, licences
from instrumentarium.acquisition.download import describe, fetch_published, leave_empty, render
from instrumentarium.corpora.irmas.card import CARD
from instrumentarium.corpora.irmas.params import IrmasParams

ROOT = Path(__file__).resolve().parents[2]
SIZE = IrmasParams(use=True, train_recordings=2, test_songs=4)


class Renderer(ModuleType):
    """Stands in for the miniature's renderer: two archives that say what was asked for, and a truth table."""

    def __init__(self) -> None:
        super().__init__("irmas")
        self.asked: list[dict[str, int]] = []
        self.fails_after_first = False

    def render(self, folder: Path, truth: Path, **asked: int) -> None:
        self.asked.append(asked)
        (folder / "training.zip").write_text(f"training {sorted(asked.items())}")
        if self.fails_after_first:
            raise RuntimeError("the renderer broke")
        (folder / "testing.zip").write_text("testing")
        truth.write_text("clip_id,flaw,detail\na,silent,\n")


@pytest.fixture
def renderer(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Renderer:
    stub = Renderer()
    monkeypatch.setitem(sys.modules, "instrumentarium.miniature.layouts.irmas", stub)
    return stub


@pytest.fixture
def checkout(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    def render_into(name: str, size: IrmasParams = SIZE, seed: int = 7) -> tuple[Path, Path]:
        raw, truth = tmp_path / name / "raw", tmp_path / name / "truth"
        leave_empty(raw, truth)
        render("irmas", size, seed, raw, truth)
        return raw, truth

    return render_into


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_a_rendering_gives_archives_and_truth(renderer: Renderer, checkout):
    raw, truth = checkout("one")
    assert contents(raw) == {
        "LICENSES.md": licences.rendered(CARD),
        "testing.zip": "testing",
        "training.zip": "training [('seed', 7), ('test_songs', 4), ('train_recordings', 2)]",
    }
    assert contents(truth) == {"truth.csv": "clip_id,flaw,detail\na,silent,\n"}


def test_an_equal_rendering_is_taken_from_the_cache(renderer: Renderer, checkout):
    one, two = checkout("one"), checkout("two")
    assert len(renderer.asked) == 1
    assert [contents(folder) for folder in one] == [contents(folder) for folder in two]


def test_whether_a_corpus_is_used_does_not_change_what_is_rendered(renderer: Renderer, checkout):
    checkout("one")
    checkout("two", size=SIZE.model_copy(update={"use": False}))
    assert len(renderer.asked) == 1


def test_another_seed_size_or_library_is_rendered_anew(renderer: Renderer, checkout, monkeypatch: pytest.MonkeyPatch):
    checkout("one")
    checkout("two", seed=8)
    checkout("three", size=SIZE.model_copy(update={"test_songs": 5}))
    monkeypatch.setattr(download, "version", lambda name: "0.0")
    checkout("four")
    assert [(asked["seed"], asked["test_songs"]) for asked in renderer.asked] == [(7, 4), (8, 4), (7, 5), (7, 4)]


DAMAGES: dict[str, bytes | None] = {"removed": None, "changed": b'{"archives/a.zip": 3}', **DAMAGED_JSON}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("place", ["archives/testing.zip", "truth/truth.csv", "md5.json"])
def test_a_damaged_rendering_is_made_anew(
    renderer: Renderer, checkout, cache: Path, caplog: pytest.LogCaptureFixture, place: str, damage: str
):
    checkout("one")
    (kept,) = cache.glob(f"rendered/*/{place}")
    kept.unlink()  # it may be linked into the checkout
    if (content := DAMAGES[damage]) is not None:
        kept.write_bytes(content)
    raw, truth = checkout("two")
    assert len(renderer.asked) == 2
    assert contents(raw)["testing.zip"] == "testing"
    assert contents(truth) == {"truth.csv": "clip_id,flaw,detail\na,silent,\n"}
    assert "is damaged; rendering it anew" in caplog.text


def test_an_interrupted_rendering_leaves_nothing_and_the_next_one_works(renderer: Renderer, checkout, cache: Path):
    renderer.fails_after_first = True
    with pytest.raises(RuntimeError, match="the renderer broke"):
        checkout("one")
    assert not list((cache / "rendered").iterdir())
    renderer.fails_after_first = False
    raw, _ = checkout("one")
    assert set(contents(raw)) == {"LICENSES.md", "testing.zip", "training.zip"}


def test_a_stage_that_runs_again_in_the_same_folder_gives_the_same(renderer: Renderer, checkout):
    """DVC empties the folders first; who runs the script by hand does not."""
    first = [contents(folder) for folder in checkout("one")]
    assert [contents(folder) for folder in checkout("one")] == first
    checkout("one", seed=8)
    assert [contents(folder) for folder in checkout("two")] == first
    assert len(renderer.asked) == 2


def test_the_checkouts_truth_is_its_own(renderer: Renderer, checkout):
    _, truth = checkout("one")
    (truth / "truth.csv").write_text("edited")
    _, other = checkout("two")
    assert contents(other)["truth.csv"].startswith("clip_id")


def test_a_corpus_that_is_left_out_has_empty_folders(tmp_path: Path):
    for _ in range(2):
        leave_empty(tmp_path / "raw", tmp_path / "truth")
    assert not list((tmp_path / "raw").iterdir())
    assert list(csv.reader((tmp_path / "truth" / "truth.csv").open())) == [["clip_id", "flaw", "detail"]]
    assert describe(tmp_path / "raw") == "left out of this collection"


@pytest.mark.parametrize("own", [None, Path("mine")])
def test_the_published_corpus_is_fetched_by_its_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: Path | None):
    asked = []
    monkeypatch.setattr(download, "provide", lambda card, folder, own: asked.append((card, folder, own)))
    fetch_published("irmas", own, tmp_path / "raw", tmp_path / "truth")
    assert asked == [(CARD, tmp_path / "raw", own)]
    assert contents(tmp_path / "truth") == {"truth.csv": "clip_id,flaw,detail\n"}


def test_a_line_says_what_there_is(tmp_path: Path):
    (tmp_path / "b.zip").write_bytes(bytes(3_000_000))
    (tmp_path / "a.zip").write_bytes(bytes(1_000_000))
    (tmp_path / "LICENSES.md").write_text("not an archive")
    assert describe(tmp_path) == "2 archives, 4 MB: a.zip, b.zip"


def test_the_stage_takes_archives_from_the_folder_that_the_parameters_name(tmp_path: Path, write_zip, cache: Path):
    members = [(f"ESC-50-master/audio/{number}.wav", b"sound") for number in range(2000)]
    rows = "".join(f"{number}.wav,{number % 5 + 1},{number // 5 % 50}\n" for number in range(2000))
    members.append(("ESC-50-master/meta/esc50.csv", b"filename,fold,category\n" + rows.encode()))
    own = write_zip(tmp_path / "own" / "ESC-50-master.zip", members)
    text = (ROOT / "params.yaml").read_text(encoding="utf-8").replace("collection: miniature", "collection: full")
    text = text.replace("  archives:", f"  archives: {own.parent}")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    result = subprocess.run(
        [sys.executable, str(ROOT / "stages" / "download.py"), "esc50", "raw", "truth"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "ESC-50 comes with terms" in result.stderr
    assert "download esc50: 1 archives" in result.stderr
    assert (tmp_path / "raw" / "ESC-50-master.zip").samefile(own)
    assert set(contents(tmp_path / "truth")) == {"truth.csv"}
    own.write_bytes(b"not a zip file")
    result = subprocess.run(
        [sys.executable, str(ROOT / "stages" / "download.py"), "esc50", "again", "truth"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "Error: ESC-50-master.zip is not the published archive, or is damaged" in result.stderr
    assert "Traceback" not in result.stderr
    assert own.read_bytes() == b"not a zip file"
