from pathlib import Path

import pytest

from instrumentarium.runtime.cache import cache_folder, fingerprint


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("INSTRUMENTARIUM_CACHE", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "instrumentarium"
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == Path("/caches/instrumentarium")
    monkeypatch.setenv("INSTRUMENTARIUM_CACHE", "/mine")
    assert cache_folder() == Path("/mine")


def test_a_fingerprint_is_a_function_of_values_and_contents(tmp_path: Path):
    (tmp_path / "b.py").write_text("b")
    (tmp_path / "a.py").write_text("a")
    files = [tmp_path / "b.py", tmp_path / "a.py"]
    here = fingerprint({"seed": 1, "sizes": {"clips": 2}}, files)
    assert here == fingerprint({"sizes": {"clips": 2}, "seed": 1}, reversed(files))
    copies = tmp_path / "elsewhere"
    copies.mkdir()
    for file in files:
        (copies / file.name).write_bytes(file.read_bytes())
    assert here == fingerprint({"seed": 1, "sizes": {"clips": 2}}, copies.iterdir())


def test_whatever_changes_changes_the_fingerprint(tmp_path: Path):
    path = tmp_path / "a.py"
    path.write_text("a")
    found = {fingerprint({"seed": 1}, [path]), fingerprint({"seed": 2}, [path]), fingerprint({"seed": 1}, [])}
    path.write_text("b")
    found.add(fingerprint({"seed": 1}, [path]))
    found.add(fingerprint({"seed": 1}, [path.rename(tmp_path / "b.py")]))
    assert len(found) == 5
