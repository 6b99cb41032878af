"""Whether `dvc repro`, killed anywhere, ends with the same bytes: one line of JSON.

A clone of this checkout, its collection and models tiny, runs the pipeline once without a disturbance, and once more while
it is killed again and again: SIGKILL to the whole process group at a random moment, each moment drawn between nothing and
the time that one whole run takes, until `--kills` have hit; then it runs to its end. dvc.lock that a kill has cut is
recovered as docs/experiments.md says, and counted.

    python benchmarks/kill_repro.py [--kills 10] [--seed 0]

kills       how many hit a running `dvc repro`; `stages` says in which stage, as dvc printed it last
cut_locks   how often dvc.lock was cut and recovered
equal       files of data, metrics and plots, and dvc.lock, that are byte for byte those of the undisturbed run
differing   the others, by name: none should be here
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import numpy as np
import typer

from instrumentarium.runtime.progress import progress_bar
from instrumentarium.runtime.stage import run

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ("data", "metrics", "plots", "dvc.lock")
TINY = (
    *(f"collections.miniature.corpora.{key}" for key in ("irmas.train_recordings=2", "irmas.test_songs=6")),
    *(f"collections.miniature.corpora.{key}" for key in ("openmic.clips=12", "esc50.clips=12")),
    "models.cnn.backbone.channels=[4,8]",
    *(f"models.cnn.recipes.miniature.{key}" for key in ("epochs=2", "windows_per_epoch=64", "batch_size=16")),
    "evaluate.resamples=200",
    "report.gallery=1",
)
"""What makes a run short."""


@dataclass(frozen=True)
class Clone:
    """A clone of the checkout with caches of its own."""

    root: Path

    def start(self, *words: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own."""
        own = {"INSTRUMENTARIUM_CACHE": "cache", "DVC_SITE_CACHE_DIR": "site", "DVC_NO_ANALYTICS": "1"}
        settings = {name: str(self.root.with_name(f"{self.root.name}-{value}")) for name, value in own.items()}
        environment = os.environ | settings | {"DVC_NO_ANALYTICS": "1", "PYTHONUNBUFFERED": "1"}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        environment.pop("PYTHONPATH", None)
        with log.open("ab") as file:
            return subprocess.Popen(
                words, cwd=self.root, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                start_new_session=True,
            )  # fmt: skip

    def call(self, *words: str, log: Path) -> None:
        """Run a command to its end.

        Raises:
            RuntimeError: if it fails; the message ends as its output does.
        """
        if self.start(*words, log=log).wait():
            raise RuntimeError(f"{' '.join(words)} failed:\n{log.read_text(errors='replace')[-3000:]}")

    def results(self) -> dict[str, bytes]:
        """Return the content of every result by its path."""
        tops = [self.root / name for name in RESULTS]
        files = [path for top in tops for path in ([top] if top.is_file() else sorted(top.rglob("*")))]
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files if path.is_file()}

    def lock_is_cut(self, log: Path) -> bool:
        """Say whether `make repro` would call dvc.lock cut."""
        return self.start(sys.executable, ".ci/lock.py", log=log).wait() != 0


def main(
    kills: Annotated[int, typer.Option(min=1, help="How many times.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the moments.")] = 0,
) -> None:
    """Kill `dvc repro` at random moments, let it end, and compare what it made with an undisturbed run."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(prefix="kill-repro-") as name:
        log = Path(name) / "log"
        calm, killed = (_clone(Path(name) / each, log) for each in ("calm", "killed"))
        began = time.monotonic()
        calm.call("dvc", "repro", log=log)
        whole_s = time.monotonic() - began
        stages, cut = Counter[str](), 0
        with progress_bar("kill repro", "kills", total=kills) as bar:
            while stages.total() < kills:
                stage = _kill(killed, float(rng.uniform(0, whole_s)), Path(name) / "killed.log")
                if stage is None:  # it had ended: again from a random stage on
                    _forget(killed, rng)
                    continue
                stages[stage] += 1
                bar.update()
                if killed.lock_is_cut(log):
                    cut += 1
                    killed.call("git", "checkout", "--quiet", "dvc.lock", log=log)
        killed.call("dvc", "repro", log=log)
        expected, found = calm.results(), killed.results()
    differing = sorted(path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path))
    print(
        json.dumps(
            {
                "seed": seed,
                "kills": stages.total(),
                "stages": dict(sorted(stages.items())),
                "cut_locks": cut,
                "equal": len(expected.keys() | found.keys()) - len(differing),
                "differing": differing,
                "run_s": round(whole_s, 1),
            }
        )
    )
    if differing:
        raise typer.Exit(1)


def _clone(root: Path, log: Path) -> Clone:
    """Make a clone of what this checkout holds, committed or not, tiny and never run."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    for name in filter(None, listed.stdout.decode("utf-8").split("\0")):
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name, follow_symlinks=False)
    (root / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n", encoding="utf-8")
    for built in ("metrics", "plots"):
        shutil.rmtree(root / built, ignore_errors=True)
    clone = Clone(root)
    clone.call(sys.executable, "-c", _SHRINK, *TINY, log=log)
    clone.call("git", "init", "--quiet", log=log)
    clone.call("git", "add", "--all", log=log)
    identity = [word for key in ("name", "email") for word in ("-c", f"user.{key}=kill@example.org")]
    clone.call("git", *identity, "commit", "--quiet", "--message", "As it is", log=log)
    return clone


_SHRINK = """
import sys
from dvc.utils.hydra import apply_overrides
apply_overrides("params.yaml", sys.argv[1:])
"""


def _kill(clone: Clone, after_s: float, log: Path) -> str | None:
    """Run `dvc repro` for so long and kill all its processes; return the stage that it was in, or None if it had ended."""
    log.unlink(missing_ok=True)
    process = clone.start("dvc", "repro", log=log)
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        named = re.findall(r"Running stage '([^']+)'", log.read_text(errors="replace"))
        return str(named[-1]) if named else "before the first"
    if process.returncode:
        raise RuntimeError(f"dvc repro failed after a kill:\n{log.read_text(errors='replace')[-3000:]}")
    return None


def _forget(clone: Clone, rng: np.random.Generator) -> None:
    """Take away what one finished stage, drawn at random, and those behind it have made."""
    folders = ("plots", "metrics", "data/scores", "data/model", "data/clips", "data/raw")
    for name in folders[: 1 + int(rng.integers(len(folders)))]:
        shutil.rmtree(clone.root / name, ignore_errors=True)
    shutil.rmtree(clone.root / ".dvc" / "cache", ignore_errors=True)
    shutil.rmtree(clone.root.with_name(f"{clone.root.name}-cache"), ignore_errors=True)


if __name__ == "__main__":
    run(main)
