"""The Dockerfile, as far as it can be read without an engine; .ci/image.py does its steps."""

import runpy
import subprocess
from pathlib import Path

from instrumentarium.commands.app import app

ROOT = Path(__file__).resolve().parents[1]
IMAGE = runpy.run_path(str(ROOT / ".ci" / "image.py"))
STEPS = IMAGE["instructions"]()


def test_the_engine_is_sent_what_the_steps_copy_and_no_more() -> None:
    copied = {word for kind, text in STEPS if kind == "COPY" and "--from" not in text for word in text.split()[:-1]}
    sent = {path.parts[0] for path in IMAGE["sent"]()}
    assert sent == copied
    tracked = subprocess.run(["git", "ls-files", "src"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert {path.as_posix() for path in IMAGE["sent"]() if path.parts[0] == "src"} == set(tracked.splitlines())


def test_it_runs_as_no_root_and_says_how_it_is() -> None:
    last = STEPS[[kind for kind, _ in STEPS].index("FROM", 1) :]
    words = dict(last)
    assert words["USER"] == "1000"
    assert "/healthz" in words["HEALTHCHECK"]
    kinds = [kind for kind, _ in last]
    assert not [text for kind, text in last[kinds.index("USER") :] if kind == "RUN"]


def test_its_command_is_one_of_ours_and_listens_outside() -> None:
    words = IMAGE["json"].loads(dict(STEPS)["CMD"])
    assert words[0] == "instrumentarium"
    assert words[1] in {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert words[words.index("--host") + 1] == "0.0.0.0"


def test_a_step_is_done_in_the_folder_and_not_in_the_machine(tmp_path: Path) -> None:
    moved = IMAGE["moved"]("/opt/venv/bin/pip install /source/x && cd /workspace; cat a/opt/b", tmp_path)
    assert moved == f"{tmp_path}/opt/venv/bin/pip install {tmp_path}/source/x && cd {tmp_path}/workspace; cat a/opt/b"
