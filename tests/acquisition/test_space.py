from pathlib import Path
from types import SimpleNamespace

import pytest

from instrumentarium.acquisition import space
from instrumentarium.acquisition.space import shortage, size


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (3_300_000_000, "3.3 GB"),
        (10**13, "10.0 TB"),
        (10**17, "100000.0 TB"),
    ],
)
def test_a_size_is_written_in_steps_of_a_thousand(n_bytes: int, text: str):
    assert size(n_bytes) == text


def test_needs_on_one_file_system_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(space.shutil, "disk_usage", lambda path: SimpleNamespace(free=5_000_000))
    needs = [(tmp_path / "not" / "there" / "yet", 2_000_000), (tmp_path, 3_000_000)]
    assert shortage(needs) is None
    assert shortage([*needs, (tmp_path / "raw", 1)]) == (
        f"5.0 MB more must be written to the file system of {tmp_path}, where 5.0 MB are free"
    )


def test_every_file_system_counts_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    small, large = tmp_path / "small", Path("/proc")
    small.mkdir()
    if not large.exists() or large.stat().st_dev == small.stat().st_dev:
        pytest.skip("no second file system here")
    monkeypatch.setattr(
        space.shutil, "disk_usage", lambda path: SimpleNamespace(free=10 if path == small else 10_000_000)
    )
    assert shortage([(small, 10), (large, 10_000_000)]) is None
    assert shortage([(large, 1000), (small, 11)]) == (
        f"11 bytes more must be written to the file system of {small}, where 10 bytes are free"
    )


def test_nothing_needs_no_space():
    assert shortage([]) is None


def test_the_figure_is_the_file_systems_own(tmp_path: Path):
    assert shortage([(tmp_path, 1)]) is None
    assert shortage([(tmp_path, 10**18)]) is not None
