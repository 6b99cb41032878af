"""`make repro` notices a dvc.lock that a signal has cut, wherever it was cut, and says how to recover it."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / ".ci" / "lock.py"
COMMITTED = (ROOT / "dvc.lock").read_text(encoding="utf-8")
DECLARED = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
SMALL = """schema: '2.0'
stages:
  params:
    cmd: python stages/params.py
    deps:
    - path: params.yaml
      hash: md5
      md5: a8b300aa9bbcfe7243ba4d5a4ea9db0b
      size: 13870
    outs:
    - path: data/selected
      hash: md5
      md5: 82f22f34d409826135ccabaf29a8b0dd.dir
      size: 462
      nfiles: 1
  ingest@irmas:
    cmd: python stages/ingest.py irmas
    deps:
    - path: data/raw/miniature/irmas
      hash: md5
      md5: 82f22f34d409826135ccabaf29a8b0dd.dir
      size: 462
      nfiles: 1
    outs:
    - path: data/clips/miniature/irmas
      hash: md5
      md5: a8b300aa9bbcfe7243ba4d5a4ea9db0b.dir
      size: 13870
"""
STAGES = "stages:\n  params:\n    cmd: x\n  ingest:\n    cmd: x\n"


@pytest.fixture(scope="module")
def lock() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_whole_lock_is_whole(lock: ModuleType):
    assert lock.problem(COMMITTED, COMMITTED, DECLARED) is None
    assert lock.problem(SMALL, SMALL, STAGES) is None
    assert lock.problem(SMALL, None, STAGES) is None


def test_a_cut_is_noticed_wherever_it_is(lock: ModuleType):
    for length in range(len(SMALL)):
        assert lock.problem(SMALL[:length], SMALL, STAGES), SMALL[:length]


def test_a_cut_between_lines_is_noticed_where_nothing_was_committed_but_between_stages(lock: ModuleType):
    lines = SMALL.splitlines(keepends=True)
    unnoticed = [count for count in range(len(lines)) if lock.problem("".join(lines[:count]), None, STAGES) is None]
    assert [lines[count].strip() for count in unnoticed] == ["nfiles: 1", "ingest@irmas:"]


@pytest.mark.parametrize("text", ["", "\n", "\0" * 4096, "schema: '2.0'\n", "stages: [\n", "[]\n", "a: 1\na: 2\n"])
def test_what_is_no_lock_is_noticed(lock: ModuleType, text: str):
    assert lock.problem(text, None, STAGES)


def test_a_stage_that_is_no_longer_declared_may_be_missing(lock: ModuleType):
    text = SMALL.replace("ingest@irmas", "resample@irmas")
    assert lock.problem(text, SMALL, STAGES) == "the committed one has 1 stages more: ingest@irmas"
    assert lock.problem(text, SMALL, STAGES.replace("ingest", "resample")) is None


def test_the_command_says_how_to_recover(tmp_path: Path):
    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False)

    def git(*words: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "dvc.yaml").write_text(STAGES)
    assert check().returncode == 0, "without a lock everything is run"
    (tmp_path / "dvc.lock").write_text(SMALL)
    assert check().returncode == 0, "without Git there is nothing to compare with"
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    assert check().returncode == 0
    (tmp_path / "dvc.lock").write_text(SMALL[: SMALL.index("  ingest@irmas:")])
    found = check()
    assert found.returncode == 1
    assert found.stderr == (
        "dvc.lock is cut: the committed one has 1 stages more: ingest@irmas. A signal cut it while DVC was writing. "
        "Recover it with: git checkout dvc.lock && dvc repro\n"
    )


def test_make_repro_looks_first():
    _, *commands = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nrepro:")[1].split("\n\n")[0].splitlines()
    assert [command.split()[-1] for command in commands] == [".ci/lock.py", "repro", ".ci/baseline.py"]
