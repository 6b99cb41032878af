"""Curves are there after every epoch, and change nothing."""

import builtins
import csv
import json
from pathlib import Path
from typing import Any

import pytest
from model_fixtures import timbre_data, tiny_run
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from instrumentarium.training.fit import fit
from instrumentarium.training.live import CurvesError, Sink, build_sinks
from instrumentarium.training.recorder import History

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's advice

DATA = timbre_data(18, seed=1), timbre_data(12, seed=2)


class StoppedError(Exception):
    pass


class Stop:
    """End the process's part of a run once it has had so many epochs."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def add(self, row: dict[str, float]) -> None:
        if row["epoch"] + 1 == self.epochs:
            raise StoppedError

    def close(self) -> None:
        pass


def run_with(kind: Any, folder: Path, *more: Sink) -> History:
    return fit(tiny_run(), *DATA, folder / "resume", [*build_sinks(kind, folder / "plots", folder / "live"), *more])


def precision_by_epoch(folder: Path) -> list[float]:
    return [row["map_macro"] for row in json.loads((folder / "plots" / "map_macro.json").read_text())]


def live_precision(kind: str, folder: Path) -> list[float]:
    if kind == "dvclive":
        with (folder / "live" / "plots" / "metrics" / "validation_map_macro.tsv").open() as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        assert [int(row["step"]) for row in rows] == list(range(len(rows)))
        return [float(row["validation_map_macro"]) for row in rows]
    events = EventAccumulator(str(folder / "live"))
    events.Reload()
    return [event.value for event in events.Scalars("validation_map_macro")]


@pytest.fixture(scope="module")
def undrawn(tmp_path_factory: pytest.TempPathFactory) -> History:
    return fit(tiny_run(), *DATA, tmp_path_factory.mktemp("undrawn"))


@pytest.mark.parametrize("kind", ["dvclive", "tensorboard"])
def test_a_run_that_is_drawn_is_the_same_run(kind: str, undrawn: History, tmp_path: Path):
    history = run_with(kind, tmp_path)
    assert history.rows == undrawn.rows
    assert all((history.best_weights[name] == weights).all() for name, weights in undrawn.best_weights.items())
    expected = [row["validation_map_macro"] for row in undrawn.rows]
    assert live_precision(kind, tmp_path) == pytest.approx(expected, abs=1e-6)
    assert precision_by_epoch(tmp_path) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", ["dvclive", "tensorboard"])
def test_a_run_that_goes_on_draws_its_earlier_epochs_once(kind: str, undrawn: History, tmp_path: Path):
    with pytest.raises(StoppedError):
        run_with(kind, tmp_path, Stop(epochs=2))
    expected = [row["validation_map_macro"] for row in undrawn.rows]
    assert precision_by_epoch(tmp_path) == pytest.approx(expected[:2], abs=1e-6)  # while it trains
    run_with(kind, tmp_path)
    assert live_precision(kind, tmp_path) == pytest.approx(expected, abs=1e-6)
    assert precision_by_epoch(tmp_path) == pytest.approx(expected, abs=1e-6)


def test_only_the_files_of_the_chosen_kind_are_written(tmp_path: Path):
    run_with("none", tmp_path)
    assert not (tmp_path / "live").exists()
    run_with("dvclive", tmp_path)
    assert not list(tmp_path.rglob("dvc.yaml"))


def test_tensorboard_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    imported = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith(("torch.utils.tensorboard", "tensorboard")):
            raise ModuleNotFoundError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(CurvesError, match=r"instrumentarium\[tensorboard\]"):
        build_sinks("tensorboard", tmp_path, tmp_path)
