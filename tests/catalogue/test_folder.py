"""The folder of results: a shard is there whole or not at all, and only the run that began goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from instrumentarium.catalogue.errors import FolderError
from instrumentarium.catalogue.folder import ResultFolder, Staged, open_folder, part_name
from instrumentarium.catalogue.tables import REJECTED, write_table

RUN = {"model_sha256": "a" * 64, "temperature": 1.0}
NAMES = [f"/songs/{n}.wav" for n in range(10)]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ResultFolder]:
    with open_folder(tmp_path / "out") as opened:
        yield opened


def stage(folder: ResultFolder, number: int, rejected: int = 0) -> Staged:
    """Stage a shard of four files, of which some are rejected."""
    tables = [folder.staging / f"{number}.{kind}" for kind in ("predictions", "rejected")]
    for path, rows in zip(tables, (4 - rejected, rejected), strict=True):
        write_table(path, [{"path": f"{n}", "reason": "why"} for n in range(rows)], REJECTED)
    return Staged(number, tables[0], tables[1] if rejected else None, 4)


def parts(folder: ResultFolder) -> list[str]:
    return sorted(str(path.relative_to(folder.path)) for path in folder.path.glob("*/part-*"))


def test_a_run_goes_on_where_it_was(folder: ResultFolder):
    plan = folder.begin(RUN, NAMES, 4)
    assert (plan.files, plan.shards, plan.done, plan.files_done) == (10, 3, frozenset(), 0)
    folder.commit(stage(folder, 2))
    folder.commit(stage(folder, 0, rejected=3))
    plan = folder.begin(RUN, NAMES)
    assert (plan.shard_files, plan.done, plan.files_done) == (4, {0, 2}, 6)
    assert folder.rejected_files() == 3
    assert parts(folder) == [f"predictions/{part_name(0)}", f"predictions/{part_name(2)}", f"rejected/{part_name(0)}"]


def test_a_kill_between_the_two_tables_leaves_a_shard_to_be_made_again(
    folder: ResultFolder, monkeypatch: pytest.MonkeyPatch
):
    folder.begin(RUN, NAMES, 4)
    staged, replace = stage(folder, 1, rejected=2), Path.replace

    def killed(path: Path, target: Path) -> Path:
        if path == staged.predictions:
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            folder.commit(staged)
    assert parts(folder) == [f"rejected/{part_name(1)}"]
    assert folder.begin(RUN, NAMES).done == frozenset()
    assert parts(folder) == []
    folder.commit(stage(folder, 1))  # this time every file could be used
    assert folder.begin(RUN, NAMES).done == {1}
    assert folder.rejected_files() == 0


def test_what_a_killed_run_had_staged_is_removed(folder: ResultFolder):
    folder.begin(RUN, NAMES, 4)
    stage(folder, 0, rejected=1)
    assert list(folder.staging.iterdir())
    folder.begin(RUN, NAMES)
    assert not list(folder.staging.iterdir())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_sha256": "b" * 64}, "model_sha256: a{57}…, now b{57}…"),
        ({"temperature": 2.0}, "temperature: 1.0, now 2.0"),
        ({"overlap": 0.5}, "overlap: None, now 0.5"),
    ],
)
def test_another_model_or_option_is_refused(folder: ResultFolder, change: dict[str, object], said: str):
    folder.begin(RUN, NAMES, 4)
    folder.commit(stage(folder, 0))
    before = {path: path.read_bytes() for path in folder.path.glob("[!.]*.*")}
    with pytest.raises(FolderError, match=rf"another model or other options \({said}\)"):
        folder.begin({**RUN, **change}, NAMES)
    with pytest.raises(FolderError, match="shard_files: 4, now 5"):
        folder.begin(RUN, NAMES, 5)
    assert {path: path.read_bytes() for path in folder.path.glob("[!.]*.*")} == before
    assert folder.begin(RUN, NAMES).done == {0}


def test_other_files_are_refused_and_the_listing_of_the_beginning_goes_on(folder: ResultFolder):
    from instrumentarium.catalogue.sources import read_listing

    folder.begin(RUN, NAMES, 4)
    folder.commit(stage(folder, 0))
    with pytest.raises(FolderError, match=rf"other files \(10, now 11\);.*--listing {folder.listing} alone"):
        folder.begin(RUN, [*NAMES, "/songs/new.wav"])
    assert folder.begin(RUN, read_listing(folder.listing)).done == {0}


def test_names_that_mean_other_files_in_another_folder_are_refused(
    folder: ResultFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    folder.begin(RUN, ["song.wav"])
    monkeypatch.chdir(folder.path)
    with pytest.raises(
        FolderError, match=f"are relative to {tmp_path}, and you are in {folder.path}; run the same there"
    ):
        folder.begin(RUN, ["song.wav"])


def test_a_folder_of_something_else_is_refused(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with open_folder(tmp_path) as folder, pytest.raises(FolderError, match=r"holds thesis\.txt and lacks run\.json"):
        folder.begin(RUN, NAMES)
    with pytest.raises(NotADirectoryError, match="is a file"), open_folder(tmp_path / "thesis.txt"):
        pass


def test_a_run_that_was_changed_by_hand_is_refused(folder: ResultFolder):
    folder.begin(RUN, NAMES, 4)
    path = folder.path / "run.json"
    path.write_text(path.read_text().replace('"shard_files": 4', '"shard_files": 5'))
    with pytest.raises(FolderError, match="damaged or was changed"):
        folder.begin(RUN, NAMES)


def test_a_run_that_was_cut_off_before_it_began_begins(folder: ResultFolder):
    def interrupted() -> Iterator[str]:
        yield NAMES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder.begin(RUN, interrupted())
    assert folder.begin(RUN, NAMES, 4).files == 10


def test_one_run_at_a_time(folder: ResultFolder):
    with pytest.raises(FolderError, match="another run writes into"), open_folder(folder.path):
        pass


@pytest.mark.parametrize(
    ("files", "workers", "size"), [(10, 1, 2), (10, 8, 1), (100_000, 4, 256), (1, 2, 1), (800, 2, 50)]
)
def test_a_small_catalogue_has_shards_for_all_workers(folder: ResultFolder, files: int, workers: int, size: int):
    assert folder.begin(RUN, (f"/{n}.wav" for n in range(files)), None, workers).shard_files == size
