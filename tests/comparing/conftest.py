import shutil
from pathlib import Path

import pytest
from comparing.simulated import Workspace, make_workspace


@pytest.fixture(scope="session")
def made_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace in which one system has been run, which tests take copies of."""
    root = tmp_path_factory.mktemp("workspace") / "repository"
    make_workspace(root)
    return root


@pytest.fixture
def workspace(made_workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Return a workspace in which one system has been run; it is the current folder."""
    root = tmp_path / "repository"
    shutil.copytree(made_workspace, root)
    monkeypatch.chdir(root)
    return Workspace(root)
