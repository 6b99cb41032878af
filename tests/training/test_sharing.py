"""A training that several processes share is the training of one: step by step, in its outputs, and when it is resumed."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from collection_fixtures import write_collection
from model_fixtures import HEAD, LOSS, NETWORK, RATE_HZ, RECIPE, RELATIVE, STRONG, TRAINING, WINDOWS, bytes_below
from ruamel.yaml import YAML
from safetensors.numpy import load_file
from training.sharing import CASES, Found, trained

from instrumentarium.config.selection import Selection, write_selection
from instrumentarium.runtime.files import write_json

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's advice on workers, loggers and the like

ROOT = Path(__file__).resolve().parents[2]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node"]
EPOCHS = 8
PATIENCE_S = 600
"""For processes that do little, but import much, on a machine that may be busy."""


def environment(**changes: str) -> dict[str, str]:
    """Return that of a new process, on one thread, which imports this checkout."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"LOCAL_RANK", "WORLD_SIZE"}}
    return {
        **inherited,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]),
        **changes,
    }


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Found]:
    """Return what two processes found in each case."""
    folder = tmp_path_factory.mktemp("shared")
    command = [*TORCHRUN, "2", str(ROOT / "tests" / "training" / "sharing.py"), str(folder)]
    ended = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 0, ended.stderr[-4000:]
    found: Mapping[str, Found] = json.loads((folder / "found.json").read_text())
    return found


@pytest.mark.parametrize("case", CASES)
def test_two_processes_train_as_one_does(case: str, shared: Mapping[str, Found], tmp_path: Path):
    alone, together = trained(case, tmp_path, 1), shared[case]
    assert len(alone["losses"]) == len(together["losses"]) > 2
    np.testing.assert_allclose(together["losses"], alone["losses"], rtol=0, atol=1e-5)
    assert max(alone["losses"]) - min(alone["losses"]) > 1e-3  # which a standstill would pass, too
    for one, other in zip(alone["rows"], together["rows"], strict=True):
        assert other == pytest.approx(one, abs=1e-5)
    assert together["sums"] == pytest.approx(alone["sums"], rel=1e-3, abs=1e-3)


class Workspace:
    """A folder in which the stage train is started as DVC would start it."""

    def __init__(self, folder: Path, collection: Path) -> None:
        self.folder, self.collection = folder, collection
        recipe = RECIPE.model_copy(update={"batch_size": 12, "windows_per_epoch": 36, "epochs": EPOCHS})
        write_selection(Selection(RELATIVE, NETWORK, HEAD, LOSS, STRONG, WINDOWS, recipe), folder / "selected")

    def start(self, devices: int, *launcher: str, out: str = "out", **variables: str) -> subprocess.Popen[str]:
        values: dict[str, Any] = {
            "seed": 3,
            "collection": "miniature",
            "model": "cnn",
            "audio": {"sample_rate_hz": RATE_HZ},
            "labels": {"irmas_train_absent": "negative"},
            "training": TRAINING.model_dump(mode="json"),
        }
        values["training"]["trainer"].update(accelerator="cpu", devices=devices)
        write_json(self.folder / "selected" / "training.json", values["training"])
        with (self.folder / "params.yaml").open("w") as file:
            YAML().dump(values, file)
        names = {"labels": "labels.csv", "taxonomy": "taxonomy.json", "split": "split.csv", "stats": "stats.json"}
        options = [word for name, file in names.items() for word in (f"--{name}", str(self.collection / file))]
        options += ["--selected", "selected", "--keys-tempos", "keys.csv", "--out", f"{out}/model"]
        options += ["--metrics", f"{out}/train.json", "--plots", f"{out}/plots", "--live", f"{out}/live"]
        program = launcher or (sys.executable,)
        return subprocess.Popen(
            [*program, str(ROOT / "stages" / "train.py"), str(self.collection), *options],
            cwd=self.folder,
            env=environment(INSTRUMENTARIUM_CACHE=str(self.folder / "cache"), **variables),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def train(self, devices: int, *launcher: str, out: str = "out", **variables: str) -> tuple[dict[str, bytes], str]:
        """Return the bytes of what came out, and what was said."""
        with self.start(devices, *launcher, out=out, **variables) as process:
            said = process.communicate(timeout=PATIENCE_S)[1]
        assert process.returncode == 0, said[-4000:]
        assert not list((self.folder / "cache" / "resume").glob("*/"))
        return bytes_below(self.folder / out), said


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, write_collection(tmp_path / "collection"))


def kill_half_way(process: subprocess.Popen[str]) -> None:
    """Kill all processes of a training as its fourth epoch ends, with its snapshot or without."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 4 of"):
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=PATIENCE_S)


@pytest.mark.parametrize("devices", [2, 3])
def test_the_stage_starts_its_processes_and_a_killed_run_ends_with_the_same_bytes(devices: int, workspace: Workspace):
    straight, said = workspace.train(devices, out="straight")
    assert sorted(name for name in straight if not name.startswith("live/")) == [
        "model/model.json",
        "model/model.safetensors",
        "plots/loss.json",
        "plots/map_macro.json",
        "train.json",
    ]
    assert said.count("train: 15 training and 9 validation clips in") == said.count("epoch 8 of 8") == 1
    with workspace.start(devices, out="resumed") as process:
        kill_half_way(process)
    resumed, said = workspace.train(devices, out="resumed")
    assert re.search(r"resuming after epoch [34] of 8", said)
    assert resumed == straight


def test_torchrun_and_srun_start_the_same_training(workspace: Workspace):
    own, _ = workspace.train(2, out="own")
    by_torchrun, said = workspace.train(2, *TORCHRUN, "2", out="by_torchrun")
    assert by_torchrun == own
    assert said.count("epoch 8 of 8") == 1
    step = {"SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_NNODES": "1"}
    step |= {"SLURM_JOB_ID": "4321", "SLURM_NODELIST": "localhost", "SLURM_NODEID": "0", "SLURM_JOB_NAME": "train"}
    tasks = [
        workspace.start(2, out="by_srun", SLURM_PROCID=number, SLURM_LOCALID=number, **step) for number in ("0", "1")
    ]
    said = "".join(task.communicate(timeout=PATIENCE_S)[1] for task in tasks)
    assert [task.returncode for task in tasks] == [0, 0], said[-4000:]
    assert bytes_below(workspace.folder / "by_srun") == own
    one, _ = workspace.train(1, out="one")
    together, alone = (load_file(workspace.folder / name / "model" / "model.safetensors") for name in ("own", "one"))
    assert together.keys() == alone.keys()
    assert json.loads(own["model/model.json"])["recipe"] == json.loads(one["model/model.json"])["recipe"]


def test_processes_that_all_fail_say_why_and_leave_nobody_behind(workspace: Workspace):
    split = workspace.collection / "split.csv"
    split.write_text(split.read_text().replace("validation", "test"))
    with workspace.start(2, *TORCHRUN, "2") as process:
        said = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode != 0
    assert "Error: no validation clip has an instrument" in said
    with workspace.start(4) as process:
        said = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == 1
    assert re.search("Error: no validation clip has an instrument", said)


def test_a_run_that_was_over_when_it_was_killed_ends_in_all_processes(workspace: Workspace):
    straight, _ = workspace.train(2, *TORCHRUN, "2", out="straight")
    (workspace.folder / "blocked").mkdir()
    (workspace.folder / "blocked" / "model").write_text("no folder")
    with workspace.start(2, *TORCHRUN, "2", out="blocked") as process:
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode != 0
    again, said = workspace.train(2, *TORCHRUN, "2", out="again")
    assert "resuming after epoch 8 of 8" in said
    assert "epoch 8 of 8: loss" not in said
    assert {name: again[name] for name in again if not name.startswith("live/")} == {
        name: straight[name] for name in straight if not name.startswith("live/")
    }
