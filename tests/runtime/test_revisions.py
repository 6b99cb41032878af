"""Files of revisions, in a repository of a file under Git and two outputs under DVC."""

import shutil
from pathlib import Path

import pytest
from pipeline.checkout import Checkout, environment

from instrumentarium.runtime.revisions import LostOutputError, NotMadeError, UnknownRevisionError, open_revision


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a repository whose tag `first` says 1 everywhere and whose workspace says 2; nothing is in a remote."""
    folder = tmp_path_factory.mktemp("revisions")
    checkout = Checkout(folder / "repository", environment(folder))
    checkout.path("data/model/deep").mkdir(parents=True)
    checkout.git("init", "--quiet", "--initial-branch=main")
    checkout.dvc("init", "--quiet")
    for number in (1, 2):
        for path in ("kept.txt", "data/table.csv", "data/model/weights", "data/model/deep/facts"):
            checkout.path(path).write_text(f"{number}")
        checkout.dvc("add", "--quiet", "data/table.csv", "data/model")
        checkout.git("add", "--all")
        checkout.git("commit", "--quiet", "--message", f"Say {number}")
        checkout.git("tag", ("first", "second")[number - 1])
    return checkout


@pytest.fixture
def repository(made: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    copy = Checkout(tmp_path / "repository", made.environment)
    shutil.copytree(made.root, copy.root, symlinks=True)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "DVC_SITE_CACHE_DIR", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, made.environment[name])
    return copy


def test_files_and_folders_come_as_the_revision_had_them(repository: Checkout, tmp_path: Path):
    with open_revision(repository.root / "data", "first") as first:  # from a folder within the repository
        assert first.commit == repository.git("rev-parse", "first").strip()
        assert first.commit.startswith(first.short)
        assert first.has(Path("data/model/deep/facts"))
        assert not first.has(Path("data/none"))
        assert (first.folders(Path("data")), first.folders(Path("data/model"))) == (["model"], ["deep"])
        assert first.files(Path("data/model")) == ["weights"]
        for path in ("kept.txt", "data/table.csv", "data/model"):
            first.fetch(Path(path), tmp_path / "out")
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {"kept.txt", "data/table.csv", "data/model/weights", "data/model/deep/facts"}
    assert {(tmp_path / "out" / path).read_text() for path in found} == {"1"}
    assert repository.changes() == ""


def test_what_cannot_be_had_is_named(repository: Checkout, tmp_path: Path):
    with pytest.raises(UnknownRevisionError, match="'third' is no revision or experiment of this repository"):
        open_revision(repository.root, "third").__enter__()
    with pytest.raises(UnknownRevisionError, match="there is no DVC repository here"):
        open_revision(tmp_path, "first").__enter__()
    shutil.rmtree(repository.path(".dvc/cache"))
    with open_revision(repository.root, "first") as first:
        with pytest.raises(NotMadeError, match=r"first has no data/none: neither its commit nor its dvc\.lock"):
            first.fetch(Path("data/none"), tmp_path / "out")
        with pytest.raises(NotMadeError, match="first has no nowhere"):
            first.folders(Path("nowhere"))
        for path in ("data/table.csv", "data/model"):
            with pytest.raises(LostOutputError, match=rf"{path}.* of first was made, but .*`dvc fetch --all-commits`"):
                first.fetch(Path(path), tmp_path / "out")
