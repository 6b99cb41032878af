"""A pipeline small enough to run in a test: one clone, built once for all test processes, that tests look at or copy."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pipeline.checkout import ROOT, Checkout, copy_of_the_repository, environment
from pipeline.shrunk import shrink


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder that all processes of a test run use; the last one to end removes its some hundred megabytes."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "pipeline"
    with folder.with_suffix(".users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        folder.mkdir(exist_ok=True)
        yield folder
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def once(shared: Path) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return a maker of folders in the shared one: the first process to want one fills it, the others wait for that."""

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        folder, filled = shared / name, shared / f"{name}.filled"
        with (shared / f"{name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not filled.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a process that failed
                folder.mkdir()
                fill(folder)
                filled.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def source(once: Callable[[str, Callable[[Path], None]], Path]) -> Checkout:
    """Return a clone of the repository as it is here, with tiny parameters, committed, nothing built."""

    def fill(folder: Path) -> None:
        checkout = Checkout(folder / "clone", environment(folder))
        copy_of_the_repository(checkout.root)
        checkout.path("dvc.lock").unlink(missing_ok=True)
        for built in ("metrics", "plots"):
            shutil.rmtree(checkout.path(built), ignore_errors=True)
        shrink(checkout.path("params.yaml"))
        checkout.git("init", "--quiet", "--initial-branch=main")
        checkout.commit()

    folder = once("source", fill)
    return Checkout(folder / "clone", environment(folder))


@pytest.fixture(scope="session")
def clone(source: Checkout) -> Callable[[Path], Checkout]:
    """Return a maker of fresh clones in a folder: the committed files only, with caches of their own."""

    def make(folder: Path) -> Checkout:
        source.git("clone", "--quiet", str(source.root), str(folder / "clone"))
        return Checkout(folder / "clone", environment(folder))

    return make


@pytest.fixture(scope="session")
def built(clone: Callable[[Path], Checkout], once: Callable[[str, Callable[[Path], None]], Path]) -> Checkout:
    """Return a clone after its first `dvc repro`, results committed. Other processes read it too: copy it to run things.

    What each stage read lies beside it, in `trace`.
    """

    def fill(folder: Path) -> None:
        checkout = clone(folder)
        trace = folder / "trace"
        trace.mkdir()
        # code of the checkout under test, loaded instead of the clone's, would show as a path outside of the clone
        roots = ":".join(f"{root}/" for root in (checkout.root, ROOT / "src", ROOT / "stages"))
        tracer = str(Path(__file__).with_name("tracer"))
        checkout.dvc("repro", PYTHONPATH=tracer, TRACE_FOLDER=str(trace), TRACE_ROOTS=roots)
        checkout.commit()

    folder = once("first", fill)
    return Checkout(folder / "clone", environment(folder))


@pytest.fixture(scope="module")
def workshop(built: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Return a copy of the built clone that the tests of one module share and change; each leaves it clean."""
    folder = tmp_path_factory.mktemp("workshop")
    yield built.copy(folder / "copy")
    shutil.rmtree(folder)


@pytest.fixture
def copy(built: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """Return a copy of the built clone for one test."""
    yield built.copy(tmp_path / "copy")
    shutil.rmtree(tmp_path)
