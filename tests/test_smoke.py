"""Every stage's script, run once over a tiny collection in this process: torch is imported a single time.

What the stages are and how they are called is read from dvc.yaml. That their results are right, the same in every clone
and made stale by what they depend on, other tests see: those of `tests/pipeline` let DVC run them.
"""

import logging
import os
import runpy
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.stage import Stage
from dvc.utils.serialize import modify_yaml
from pipeline.shrunk import shrink

ROOT = Path(__file__).resolve().parents[1]

FEW = {
    "instruments": [
        {"code": "gac", "name": "guitar", "family": "strings"},
        {"code": "pia", "name": "piano", "family": "keyboard"},
        {"code": "voi", "name": "voice", "family": "voice"},
    ],
    "corpora": {
        "irmas": {"gac": "gac", "pia": "pia", "voi": "voi"},
        "openmic": {"piano": "pia", "voice": "voi"},
        "esc50": "none",
        "own": {},
    },
}
"""Fewer pictures are drawn of three instruments."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the current folder: what Git keeps and stages read besides code, with tiny parameters, and no other cores.

    To start other processes takes longer than so little work.
    """
    for name in ("constraints.txt", "dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("pretraining", "splits", "taxonomies"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "src").symlink_to(ROOT / "src")
    (tmp_path / "stages").symlink_to(ROOT / "stages")
    shrink(tmp_path / "params.yaml")
    with modify_yaml(tmp_path / "params.yaml") as values:
        corpora = values["collections"]["miniature"]["corpora"]
        corpora["openmic"].update(clips=12)
        corpora["esc50"].update(clips=10)
        values["taxonomy"] = "few"
        values["taxonomies"] = {"few": FEW}
        values["models"] = {"cnn": values["models"]["cnn"]}
        values["models"]["cnn"]["recipes"]["miniature"].update(epochs=1, windows_per_epoch=16)
        values["training"]["reproducible"] = "fast"  # NumPy and torch are loaded in this process already
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    monkeypatch.setenv("INSTRUMENTARIUM_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Repo.init(str(tmp_path), no_scm=True).close()
    path = list(sys.path)
    yield tmp_path
    sys.path[:] = path


def stages_in_order(folder: Path) -> list[Stage]:
    """Return the stages as DVC resolves them, each after those whose outputs it reads."""
    with Repo(str(folder)) as repo:
        graph = repo.index.graph  # from a stage to those that it depends on
        ordered: list[Stage] = []
        while len(ordered) < len(graph):
            ordered += [each for each in graph if each not in ordered and set(graph[each]) <= set(ordered)]
        return ordered


def run(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a stage's command as DVC would, but in this process."""
    python, script, *words = shlex.split(stage.cmd)
    assert python == "python"
    monkeypatch.setenv("DVC_STAGE", stage.addressing)
    monkeypatch.setattr(sys, "argv", [script, *words])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / script), run_name="__main__")
    assert not ended.value.code, f"{stage.cmd} ended with {ended.value.code}"


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # DVC's own, where it orders stages
def test_every_stage_runs_and_makes_what_it_declares(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stages = stages_in_order(folder)
    assert {shlex.split(stage.cmd)[1] for stage in stages} == {
        f"stages/{each.name}" for each in ROOT.glob("stages/*.py")
    }
    for stage in stages:
        run(stage, monkeypatch)
        missing = [out.def_path for out in stage.outs if not (folder / out.def_path).exists()]
        assert not missing, f"{stage.name} makes no {', '.join(missing)}"
