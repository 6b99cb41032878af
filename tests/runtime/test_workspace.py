from pathlib import Path

import pytest

from instrumentarium.runtime.workspace import workspace_root


def test_the_root_is_found_from_below_and_is_the_current_folder_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert workspace_root() == Path()
    (tmp_path / "dvc.yaml").touch()
    assert workspace_root() == tmp_path
    monkeypatch.chdir(tmp_path)
    assert workspace_root() == Path()
