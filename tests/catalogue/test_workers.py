"""Workers that die, over a file or before they are ready: the shard is made again, and the file that kills is named."""

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from instrumentarium.catalogue.errors import WorkersError
from instrumentarium.catalogue.folder import Staged
from instrumentarium.catalogue.listing import Lot
from instrumentarium.catalogue.workers import ENDED_TWICE, Cluster, Crew, ray_cluster
from instrumentarium.runtime.errors import UserError


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ray_cluster(2, gpu=False) as started:
        yield started


def crew_of(cluster: Cluster, folder: Path) -> Crew:
    """Return workers whose shards are text files, and who end over some names."""

    class Writer:  # in a function, so that Ray takes its code along
        def ready(self) -> None:
            if (folder / "no start").exists():
                os.kill(os.getpid(), signal.SIGKILL)

        def probe(self, name: str) -> None:
            if name == "deadly":
                os.kill(os.getpid(), signal.SIGKILL)

        def write(self, lot: Lot, unusable: Mapping[str, str]) -> Staged:
            for name in lot.names:
                if name in unusable:
                    continue
                self.probe(name)
                if name == "full":
                    raise OSError(28, "No space left on device", "/disk")
                if name == "refused":
                    raise UserError("this model cannot be used")
                if name == "together" or (name == "once" and not (folder / "once").exists()):
                    (folder / "once").touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            path = folder / f"{lot.number}.{os.getpid()}"
            path.write_text("\n".join(f"{name} {unusable.get(name, 'good')}" for name in lot.names))
            return Staged(lot.number, path, None, len(lot.names))

    return Crew(cluster, Writer)


def made(crew: Crew, *lots: tuple[str, ...]) -> dict[int, list[str]]:
    """Return the lines of every shard; none may be made twice."""
    found: dict[int, list[str]] = {}
    for staged in crew.shards(Lot(number, names) for number, names in enumerate(lots)):
        assert staged.number not in found
        found[staged.number] = staged.predictions.read_text().split("\n")
    return found


def test_every_shard_is_made_once_by_a_few_processes(cluster: Cluster, tmp_path: Path):
    lots = [(f"{n}a", f"{n}b") for n in range(20)]
    assert made(crew_of(cluster, tmp_path), *lots) == {n: [f"{n}a good", f"{n}b good"] for n in range(20)}
    assert 1 <= len({path.suffix for path in tmp_path.iterdir()}) <= 2  # one may be done before the other is ready


def test_the_shard_of_a_worker_that_was_killed_is_made_again(cluster: Cluster, tmp_path: Path):
    lots = [("a",), ("b", "once"), ("c",)]
    assert made(crew_of(cluster, tmp_path), *lots) == {0: ["a good"], 1: ["b good", "once good"], 2: ["c good"]}


def test_a_file_that_ends_its_process_is_one_that_cannot_be_used(cluster: Cluster, tmp_path: Path):
    lots = [("a",), ("b", "deadly", "c"), ("d",)]
    found = made(crew_of(cluster, tmp_path), *lots)
    assert found == {0: ["a good"], 1: ["b good", f"deadly {ENDED_TWICE}", "c good"], 2: ["d good"]}


def test_workers_that_end_for_no_reason_that_is_found_end_the_run(cluster: Cluster, tmp_path: Path):
    with pytest.raises(WorkersError, match=r"4 workers ended over shard 1 .*; what is done is kept"):
        made(crew_of(cluster, tmp_path), ("a",), ("together",))


def test_workers_that_never_start_end_the_run(cluster: Cluster, tmp_path: Path):
    (tmp_path / "no start").touch()
    with pytest.raises(WorkersError, match="workers end as they start"):
        made(crew_of(cluster, tmp_path), ("a",))


@pytest.mark.parametrize(
    ("name", "kind", "words"), [("full", OSError, "No space"), ("refused", UserError, "this model")]
)
def test_what_ends_a_run_keeps_its_words(cluster: Cluster, tmp_path: Path, name: str, kind: type, words: str):
    with pytest.raises(kind, match=words) as error:
        made(crew_of(cluster, tmp_path), (name,))
    assert "Traceback" not in str(error.value)


def test_lots_are_taken_only_as_workers_become_free(cluster: Cluster, tmp_path: Path):
    taken = 0

    def lots() -> Iterator[Lot]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield Lot(number, ("a",))

    shards = crew_of(cluster, tmp_path).shards(lots())
    for count in range(1, 6):
        next(shards)
        assert taken <= count + 2
