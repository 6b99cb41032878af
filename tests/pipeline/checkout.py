"""A checkout of the repository to run the pipeline in, shut off from the user's settings and caches."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from dvc.repo import Repo
from dvc.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 2400
"""No command takes as long, also on a machine that does much else: one that does hangs, and fails by itself."""


@dataclass(frozen=True)
class Checkout:
    """A folder under Git and DVC, and the environment its commands run in."""

    root: Path
    environment: dict[str, str]

    def run(self, *command: str, fails: bool = False, **environment: str) -> str:
        """Run a command to its end and return what it printed; `fails` says that it must not succeed."""
        with (
            tempfile.TemporaryFile() as file
        ):  # a pipe would stay open as long as what it leaves running, a queue's worker
            result = subprocess.run(
                ["timeout", "--kill-after=30", str(LONGEST_S), *command],
                cwd=self.root,
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
            file.seek(0)
            output = file.read().decode("utf-8")
        assert (result.returncode != 0) == fails, f"{' '.join(command)} ended with {result.returncode}:\n{output}"
        return output

    def dvc(self, *words: str, fails: bool = False, **environment: str) -> str:
        """Run a dvc command."""
        return self.run("dvc", *words, fails=fails, **environment)

    def dvc_json(self, *words: str) -> dict[str, dict]:
        """Run a dvc command that answers in JSON, after whatever it says besides."""
        output = self.dvc(*words, "--json")
        return json.loads(output[output.index("{") :])

    def git(self, *words: str) -> str:
        """Run a git command."""
        return self.run("git", *words)

    def commit(self) -> None:
        """Commit all there is."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "As it is")

    def restore(self) -> None:
        """Undo what was edited since the last commit.

        Git tells an edit by size and whole seconds, and DVC, when it writes Git's index, does not guard against an edit
        of the same size in the same second: such an edit would stay. So the files are made to look older, before and
        after, and each edit is seen.
        """
        for age_s in (120, 60):
            for name in filter(None, self.git("ls-files", "-z").split("\0")):
                if self.path(name).exists():
                    os.utime(self.path(name), (time.time() - age_s, time.time() - age_s))
            self.git("restore", ".")
        self.git("update-index", "-q", "--refresh")

    def changes(self) -> str:
        """Return what Git sees changed or new."""
        return self.git("status", "--porcelain")

    def path(self, name: str) -> Path:
        """Return the path of a file of this checkout."""
        return self.root / name

    def json(self, name: str) -> dict:
        """Return what a JSON file of this checkout holds."""
        return json.loads(self.path(name).read_text(encoding="utf-8"))

    def bytes_below(self, folder: str) -> dict[str, bytes]:
        """Return every file below a folder, by its path there."""
        top = self.path(folder)
        return {str(path.relative_to(top)): path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()}

    def append(self, name: str, text: str) -> None:
        """Add text to the end of a file."""
        with self.path(name).open("a", encoding="utf-8") as file:
            file.write(text)

    def copy(self, root: Path) -> "Checkout":
        """Return a copy, data and DVC's cache included, with a user's cache of its own."""
        shutil.copytree(self.root, root, symlinks=True)
        cache = root.with_name(f"{root.name}-cache")
        shutil.copytree(self.environment["INSTRUMENTARIUM_CACHE"], cache, symlinks=True)
        return replace(self, root=root, environment=self.environment | {"INSTRUMENTARIUM_CACHE": str(cache)})


def environment(folder: Path) -> dict[str, str]:
    """Return an environment without the user's settings; caches lie in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_", "PYTHON"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "XDG_CACHE_HOME": str(folder / "home" / "cache"),
        "XDG_CONFIG_HOME": str(folder / "home" / "config"),
        "INSTRUMENTARIUM_CACHE": str(folder / "user-cache"),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(folder / "site-cache"),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{role}_NAME": "A Tester" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": "tester@example.org" for role in ("AUTHOR", "COMMITTER")},
        "COLUMNS": "200",
    }


def copy_of_the_repository(root: Path) -> None:
    """Copy what Git knows, or would take, into `root`."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():  # a link may be to a folder, as that of the templates
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name, follow_symlinks=False)


def main_stages(repo: Repo) -> dict[str, Stage]:
    """Return the stages of dvc.yaml by their names; those of pretraining/ are run on request."""
    return {stage.name: stage for stage in repo.index.stages if stage.path_in_repo == "dvc.yaml"}


def stages_run(output: str) -> list[str]:
    """Return the stages that DVC says it ran, in their order; those taken from its cache did not run."""
    return re.findall(r"^Running stage '([^']+)'", output, re.MULTILINE)
