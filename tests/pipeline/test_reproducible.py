"""The same commit gives the same results, and what a stage reads is what dvc.yaml declares."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.stage import Stage
from imports import does_nothing
from pipeline.checkout import Checkout, main_stages, stages_run

from instrumentarium.runtime.section import read_yaml

EVERY_STAGE = (
    "params",
    "download@irmas",
    "download@openmic",
    "download@esc50",
    "download@own",
    "ingest@irmas",
    "ingest@openmic",
    "ingest@esc50",
    "ingest@own",
    "duplicates",
    "split",
    "keys",
    "stats",
    "train",
    "score",
    "descriptors",
    "baseline",
    "ensemble",
    "audit",
    "evaluate",
    "explain",
    "report",
)
OF_DVC = {"params.yaml", "dvc.yaml", "dvc.lock", ".dvc", ".git"}
"""What DVC itself reads inside a stage, to tell it its parameters; besides ignore files, which it looks for everywhere."""


@dataclass(frozen=True)
class Traced:
    """What each stage of the built clone read: files (relative to the clone), parameters' keys."""

    files: Mapping[str, set[str]]
    params: Mapping[str, set[str]]
    stages: Mapping[str, Stage]


@pytest.fixture(scope="module")
def traced(built: Checkout) -> Traced:
    files, params = {}, {}
    for log in built.root.with_name("trace").iterdir():
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        files[log.name] = {source_of(Path(line["file"]), built.root) for line in lines if "file" in line}
        params[log.name] = {line["param"] for line in lines if "param" in line}
    with Repo(str(built.root)) as repo:
        stages = main_stages(repo)
    return Traced(files, params, stages)


@pytest.fixture(scope="module")
def second(
    built: Checkout, clone: Callable[[Path], Checkout], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Checkout]:
    """Return a second clone after its `dvc repro`, which computed all but the archives anew.

    That these are rendered alike each time, other tests see, and at full size the two clones of continuous integration.
    """
    checkout = clone(tmp_path_factory.mktemp("second"))
    shutil.copytree(*(Path(each.environment["INSTRUMENTARIUM_CACHE"]) / "rendered" for each in (built, checkout)))
    assert stages_run(checkout.dvc("repro")) == list(EVERY_STAGE)
    yield checkout
    shutil.rmtree(checkout.root.parent)


def source_of(path: Path, root: Path) -> str:
    """Return a path relative to the clone; compiled code counts as its source."""
    if path.parent.name == "__pycache__":
        path = path.parents[1] / f"{path.name.partition('.')[0]}.py"
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def below(path: str, folders: set[str]) -> bool:
    """Return whether a path is one of `folders` or lies in one."""
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def is_passing(path: str, stage: Stage) -> bool:
    """Return whether a file is an ignore file, or lies in a temporary file or folder beside the stage's outputs."""
    beside = {str(Path(out).parent) + "/." for out in outputs(stage)}
    return Path(path).name in {".gitignore", ".dvcignore"} or path.startswith(tuple(beside))


def inputs(stage: Stage) -> set[str]:
    return {dep.def_path for dep in stage.deps if not hasattr(dep, "params")}


def outputs(stage: Stage) -> set[str]:
    return {out.def_path for out in stage.outs}


def test_two_clones_end_with_the_same_lock_file(built: Checkout, second: Checkout) -> None:
    # compared line by line first: a failure then shows whose hash differs
    locks = [checkout.path("dvc.lock").read_text(encoding="utf-8") for checkout in (built, second)]
    assert locks[0].splitlines() == locks[1].splitlines()
    assert locks[0] == locks[1]
    for folder in ("data/clips", "data/model", "metrics", "plots"):
        assert second.bytes_below(folder) == built.bytes_below(folder), folder


def test_a_second_run_has_nothing_to_do(copy: Checkout) -> None:
    output = copy.dvc("repro")
    assert stages_run(output) == []
    assert "Data and pipelines are up to date." in output
    assert copy.changes() == ""


def test_a_run_leaves_nothing_in_the_user_cache_but_archives_and_how_long_it_trained(built: Checkout) -> None:
    cache = Path(built.environment["INSTRUMENTARIUM_CACHE"])
    assert not [path for path in (cache / "resume").iterdir() if path.is_dir()]  # a lock's empty file may stay
    assert {path.name for path in cache.iterdir()} == {"rendered", "resume", "trainings"}


def test_every_stage_was_traced(traced: Traced) -> None:
    assert set(traced.files) == set(EVERY_STAGE) == set(traced.stages)


@pytest.mark.parametrize("name", EVERY_STAGE)
def test_a_stage_reads_no_file_that_it_does_not_declare(name: str, built: Checkout, traced: Traced) -> None:
    stage = traced.stages[name]
    known = inputs(stage) | outputs(stage) | OF_DVC
    undeclared = {path for path in traced.files[name] if not below(path, known) and not is_passing(path, stage)}
    undeclared -= {path for path in undeclared if path.startswith("src/") and does_nothing(built.path(path))}
    undeclared -= {path for path in undeclared if path.startswith("dvclive/")}  # curves that DVCLive goes on with
    assert not undeclared, f"{name} reads what dvc.yaml does not name: {sorted(undeclared)}"


@pytest.mark.parametrize("name", EVERY_STAGE)
def test_a_stage_declares_no_data_that_it_does_not_read(name: str, traced: Traced) -> None:
    data = {path for path in inputs(traced.stages[name]) if path.startswith("data/") and path != "data/params.txt"}
    data -= {"data/raw/miniature/own"}  # the miniature has no own data, so nothing lies there
    if name == "train":
        data -= {"data/keys_tempos.csv"}  # read where an augmentation chooses partners by key or tempo
    unread = {path for path in data if not any(below(file, {path}) for file in traced.files[name])}
    assert not unread, f"{name} declares in vain: {sorted(unread)}"


@pytest.mark.parametrize("name", EVERY_STAGE)
def test_a_stage_reads_the_parameters_it_declares_and_no_others(name: str, built: Checkout, traced: Traced) -> None:
    values = read_yaml(built.path("params.yaml"))
    declared = {key for dep in traced.stages[name].deps for key in getattr(dep, "params", ())}
    assert leaves(traced.params[name], values) == leaves(declared, values)


def leaves(keys: set[str], values: object) -> set[str]:
    """Return the dotted keys of all single values that the given keys stand for."""
    found = set()
    for key in keys:
        value = values
        for part in key.split("."):
            assert isinstance(value, dict)
            value = value[part]
        found |= leaves({f"{key}.{part}" for part in value}, values) if isinstance(value, dict) else {key}
    return found
