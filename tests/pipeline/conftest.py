"""A pipeline small enough to run in a test: one clone, built once, that tests look at or copy."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dvc.utils.serialize import modify_yaml
from pipeline.checkout import Checkout, copy_of_the_repository, environment


def shrink(params: Path) -> None:
    """Make the collection and the models tiny: what is tested here is the machinery, not the music."""
    with modify_yaml(params) as values:
        corpora = values["collections"]["miniature"]["corpora"]
        corpora["irmas"].update(train_recordings=2, test_songs=6)
        corpora["openmic"].update(clips=12)
        corpora["esc50"].update(clips=12)
        values["models"]["cnn"]["network"].update(channels=[4, 8])
        values["models"]["cnn"]["recipes"]["miniature"].update(epochs=2, windows_per_epoch=64, batch_size=16)
        values["models"]["resnext"]["network"].update(architecture="test_resnet")  # the least that timm has
        values["models"]["resnext"]["recipes"]["miniature"].update(epochs=1, windows_per_epoch=16, batch_size=8)


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Return a clone of the repository as it is here, with tiny parameters, committed, nothing built."""
    folder = tmp_path_factory.mktemp("pipeline")
    checkout = Checkout(folder / "source", environment(folder))
    copy_of_the_repository(checkout.root)
    checkout.path("dvc.lock").unlink(missing_ok=True)
    for built in ("metrics", "plots"):
        shutil.rmtree(checkout.path(built), ignore_errors=True)
    shrink(checkout.path("params.yaml"))
    checkout.git("init", "--quiet", "--initial-branch=main")
    checkout.commit()
    yield checkout
    shutil.rmtree(folder, ignore_errors=True)  # some hundred megabytes


@pytest.fixture(scope="session")
def clone(source: Checkout) -> Callable[[str], Checkout]:
    """Return a maker of fresh clones: the committed files only, with caches of their own."""

    def make(name: str) -> Checkout:
        folder = source.root.with_name(name)
        source.git("clone", "--quiet", str(source.root), str(folder / "clone"))
        return Checkout(folder / "clone", environment(folder))

    return make


@pytest.fixture(scope="session")
def built(clone: Callable[[str], Checkout]) -> Checkout:
    """Return a clone after its first `dvc repro`, results committed. Not to be changed: copy it."""
    checkout = clone("first")
    checkout.dvc("repro")
    checkout.commit()
    return checkout


@pytest.fixture(scope="module")
def workshop(built: Checkout, request: pytest.FixtureRequest) -> Iterator[Checkout]:
    """Return a copy of the built clone that the tests of one module share and change; each leaves it clean."""
    folder = built.root.parents[1] / request.module.__name__.rpartition(".")[2]
    yield built.copy(folder / "copy")
    shutil.rmtree(folder)


@pytest.fixture
def copy(built: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """Return a copy of the built clone for one test."""
    yield built.copy(tmp_path / "copy")
    shutil.rmtree(tmp_path)
