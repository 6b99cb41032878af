import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from children import killed_after
from reviewing.conftest import write_repository
from typer.testing import CliRunner

from instrumentarium.commands.app import app


def test_it_says_where_the_page_is_and_ends_with_ctrl_c(repository: Path) -> None:
    code = "from instrumentarium.commands.app import app; app()"
    command = [sys.executable, "-u", "-c", code, "review", "--no-browser", "--port", "0", "--root", str(repository)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
        killed_after(60, process),
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"3 questions, 0 decided; open (http://127\.0\.0\.1:\d+/\S+/) \(Ctrl-C ends\)\n", line)
        assert found, line
        with urllib.request.urlopen(f"{found[1]}state", timeout=10) as response:
            assert b'"count": 3' in response.read()
        os.kill(process.pid, signal.SIGINT)
        rest = process.stdout.read()
        process.wait()
    assert process.returncode == 0, rest
    assert "0 of 3 questions are decided" in rest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "run `dvc repro audit`, or name what to review"),
        (["--split", "all"], "there is no split 'all'"),
        (["irmas/nothing"], "has no clip 'irmas/nothing'"),
        (["--split", "test", "--host", "192.0.2.1"], "192.0.2.1, port 8765 cannot be used"),
    ],
)
def test_what_cannot_be_reviewed_is_a_message(tmp_path: Path, arguments, message) -> None:
    root = write_repository(tmp_path)
    result = CliRunner().invoke(app, ["review", "--no-browser", "--root", str(root), *arguments])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
