from pathlib import Path

import pytest
from comparing.simulated import Workspace, make_workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Return a workspace in which one system has been run; it is the current folder."""
    root = tmp_path / "repository"
    made = make_workspace(root)
    monkeypatch.chdir(root)
    return made
