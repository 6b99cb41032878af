"""A training that is killed, anywhere, costs nothing but time: the next run ends with the same bytes."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from dvc.utils.serialize import modify_yaml
from pipeline.checkout import Checkout, stages_run

WRITTEN = ("data/model/model.json", "data/model/model.safetensors")
"""What the training writes beside the thresholds, which are the evaluation's."""
MOMENTS = {
    "in the first epoch": ({"SABOTAGE_STEP": "2"}, 0),
    "in the second epoch": ({"SABOTAGE_STEP": "6"}, 1),
    "before the model is written": ({"SABOTAGE_PATH": "data/model"}, 2),
    "between the files of the model": ({"SABOTAGE_PATH": "/.model.json."}, 2),
}
"""Where the pipeline is hit, each time later, and how many of the two epochs of four steps are saved by then."""


@pytest.fixture(scope="module")
def untrained(workshop: Checkout) -> Checkout:
    """Return a checkout in which everything but the training has been run. Not to be changed: copy it."""
    for path in (*WRITTEN, "metrics/train.json", "plots/train", ".dvc/cache/runs"):
        workshop.run("rm", "-r", path)
    with modify_yaml(workshop.path("dvc.lock")) as lock:
        del lock["stages"]["train"]
    workshop.commit()
    return workshop


@pytest.fixture
def copy(untrained: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """Return a copy of the untrained checkout for one test."""
    yield untrained.copy(tmp_path / "copy")
    shutil.rmtree(tmp_path)


def interrupt(checkout: Checkout, kind: signal.Signals, where: dict[str, str]) -> str:
    """Run the training until all its processes are hit by a signal; return what was printed."""
    setting = {"SABOTAGE_STAGE": "train", "SABOTAGE_SIGNAL": kind.name} | where
    process = subprocess.Popen(
        ["dvc", "repro", "train"],
        cwd=checkout.root,
        env=checkout.environment | setting | {"PYTHONPATH": str(Path(__file__).with_name("saboteur"))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # a process group of its own, as a terminal gives to each command
    )
    try:
        output, _ = process.communicate(timeout=900)  # to the end of the last process that holds the pipe
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode != 0, output
    assert "Running stage 'train'" in output
    return output


def lock_of(checkout: Checkout) -> dict[str, dict]:
    """Return what dvc.lock holds, every value as text: that is read in a twentieth of the time."""
    return yaml.load(checkout.path("dvc.lock").read_text(encoding="utf-8"), yaml.CBaseLoader)


def resumptions(checkout: Checkout) -> list[Path]:
    """Return the folders of runs that were not finished."""
    folder = Path(checkout.environment["INSTRUMENTARIUM_CACHE"]) / "resume"
    return [path for path in folder.iterdir() if path.is_dir()]


def assert_resumes(output: str, epochs_saved: int) -> None:
    """See that a training's output tells of resuming where the one before it was hit."""
    assert re.findall("resuming after epoch (.) of 2", output) == ([str(epochs_saved)] if epochs_saved else []), output


def assert_goes_on_as_if_nothing_had_happened(checkout: Checkout, built: Checkout, epochs_saved: int) -> None:
    """Run the training again and compare all that it writes with an uninterrupted run's."""
    output = checkout.dvc("repro", "train")
    assert stages_run(output) == ["train"]
    assert_resumes(output, epochs_saved)
    assert [f"epoch {epoch} of 2: loss" in output for epoch in (1, 2)] == [epochs_saved < 1, epochs_saved < 2]
    for folder in ("data/model", "plots/train", "metrics"):
        assert checkout.bytes_below(folder) == built.bytes_below(folder), folder
    assert lock_of(checkout) == lock_of(built)
    assert resumptions(checkout) == []


def test_a_training_killed_at_every_moment_ends_with_the_same_bytes(copy: Checkout, built: Checkout) -> None:
    saved_before = 0
    for moment, (where, epochs_saved) in MOMENTS.items():
        output = interrupt(copy, signal.SIGKILL, where)
        assert_resumes(output, saved_before)
        assert re.findall("epoch (.) of 2: loss", output) == [*"12"][saved_before:epochs_saved], moment
        assert not copy.path("data/model/model.json").exists(), moment
        assert not copy.path("metrics/train.json").exists(), moment
        assert "train" not in lock_of(copy)["stages"], moment
        saved_before = epochs_saved
    assert_goes_on_as_if_nothing_had_happened(copy, built, saved_before)


def test_after_ctrl_c_training_goes_on_where_it_was(copy: Checkout, built: Checkout) -> None:
    output = interrupt(copy, signal.SIGINT, {"SABOTAGE_STEP": "6"})
    assert "epoch 1 of 2" in output
    assert not any(copy.path(path).exists() for path in WRITTEN)
    assert not copy.path("metrics/train.json").exists()
    assert len(resumptions(copy)) == 1
    assert_goes_on_as_if_nothing_had_happened(copy, built, epochs_saved=1)
