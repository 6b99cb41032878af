"""A full disk ends every stage with a message that names the file, and a run with room then ends as it would have."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from dvc.repo import Repo
from pipeline.checkout import Checkout, main_stages

SAID = re.compile(r"could not be written, since its disk is full|the disk of \S+ is full")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that is a disk of its own; where nobody may mount one, the test is skipped."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("to mount a small disk takes root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path) -> None:
    """Leave not one byte of room."""
    with (disk / "filler").open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue


def test_every_stage_says_that_its_disk_is_full(built: Checkout, disk: Path) -> None:
    checkout = built.copy(disk / "copy")
    with Repo(str(checkout.root)) as repo:
        commands = {name: stage.cmd for name, stage in main_stages(repo).items()}
    expected = checkout.bytes_below("data")
    wrong = {}
    for name, command in reversed(commands.items()):  # those that others read from come last
        fill(disk)  # again: what a stage replaces makes room
        output = checkout.run(*shlex.split(command), fails=True, DVC_STAGE=name)
        if "Traceback" in output or not SAID.search(output):
            wrong[name] = output[-2000:]
    assert len(commands) > 12
    assert not wrong, "\n\n".join(f"{name}: {output}" for name, output in wrong.items())
    (disk / "filler").unlink()
    checkout.dvc("repro")
    assert checkout.bytes_below("data") == expected
