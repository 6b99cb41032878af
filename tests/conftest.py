"""Signals made in the test, and tiny archives made by hand in the publishers' layouts.

The archives here are written from the publishers' descriptions, not by the miniature's renderer: a misreading that the
renderer and the parsers share would otherwise go unnoticed.
"""

import io
import os
import signal
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from marks import mark_of
from running_order import RUN_FIRST

# Two processes that compile librosa's functions at once leave numba's cache so that every later process crashes
os.environ["NUMBA_CACHE_DIR"] = str(
    Path(__file__).resolve().parents[1] / ".cache" / "numba" / os.environ.get("PYTEST_XDIST_WORKER", "alone")
)

# A shell has the commands it starts in the background ignore Ctrl-C, and so would all that tests start and interrupt
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TRAIN_NAME = "IRMAS-TrainingData/cel/[cel][nod][cla]0058__1.wav"
ESC50_HEADER = "filename,fold,target,category,esc10,src_file,take"
OPENMIC_HEADER = "sample_key,instrument,relevance,num_responses"
METADATA_HEADER = "sample_key,artist_name,license_title,license_url"


@pytest.hookimpl(tryfirst=True)  # before those that `-m` leaves out are looked for
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is no everyday test, and order the files of tests; within a file nothing changes."""

    def place(item: pytest.Item) -> str:
        return f"{item.path.relative_to(Path(__file__).parent).as_posix()}::{item.name.partition('[')[0]}"

    def rank(item: pytest.Item) -> int:
        return next((n for n, start in enumerate(RUN_FIRST) if place(item).startswith(start)), len(RUN_FIRST))

    for item in items:
        mark = mark_of(place(item))
        if mark:
            item.add_marker(mark)
    items.sort(key=rank)


def _tone(
    duration_s: float = 0.5, hz: float = 440.0, rate: int = 44100, channels: int = 1, peak: float = 0.5
) -> npt.NDArray[np.float64]:
    """Return a sine, (frames, channels)."""
    time = np.arange(round(duration_s * rate)) / rate
    return np.tile(peak * np.sin(2 * np.pi * hz * time)[:, None], (1, channels))


def _audio(samples: npt.NDArray[np.float64], rate: int = 44100, kind: str = "WAV", subtype: str = "PCM_16") -> bytes:
    """Return (frames, channels) as the bytes of an audio file."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


def _write_zip(path: Path, members: Iterable[tuple[str, bytes]]) -> Path:
    """Write a zip archive, members in the given order; a name may occur twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data)
    return path


def _write_tgz(path: Path, members: Iterable[tuple[str, bytes]]) -> Path:
    """Write a gzipped tar, members in the given order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture
def tone() -> Callable[..., npt.NDArray[np.float64]]:
    return _tone


@pytest.fixture
def audio() -> Callable[..., bytes]:
    return _audio


@pytest.fixture
def write_zip() -> Callable[[Path, Iterable[tuple[str, bytes]]], Path]:
    return _write_zip


@pytest.fixture
def write_tgz() -> Callable[[Path, Iterable[tuple[str, bytes]]], Path]:
    return _write_tgz


@pytest.fixture
def write_irmas() -> Callable[..., Path]:
    """Return a writer of IRMAS archives: training members by full name, testing members by name in part 1."""

    def write(
        folder: Path, train: Iterable[tuple[str, bytes]] | None = None, test: Iterable[tuple[str, bytes]] = ()
    ) -> Path:
        members = [(TRAIN_NAME, _audio(_tone()))] if train is None else list(train)
        _write_zip(folder / "IRMAS-TrainingData.zip", [("IRMAS-TrainingData/README.txt", b"about"), *members])
        part = "IRMAS-TestingData-Part1/"
        named = [(f"{part}Part1/{name}", data) for name, data in test]
        _write_zip(folder / "IRMAS-TestingData-Part1.zip", [(f"{part}README.txt", b"about"), *named])
        return folder

    return write


@pytest.fixture
def write_openmic() -> Callable[..., Path]:
    """Return a writer of the OpenMIC archive: clips by key, rows of labels, keys of the partitions, rows of metadata."""

    def write(
        folder: Path,
        clips: Mapping[str, bytes],
        labels: Iterable[str],
        train: Iterable[str],
        test: Iterable[str],
        header: str = OPENMIC_HEADER,
        leave_out: str | None = None,
        metadata: Iterable[str] = (),
        metadata_header: str = METADATA_HEADER,
    ) -> Path:
        tables = {
            "openmic-2018-aggregated-labels.csv": "\n".join([header, *labels]) + "\n",
            "openmic-2018-metadata.csv": "\n".join([metadata_header, *metadata]) + "\n",
            "partitions/split01_train.csv": "".join(f"{key}\n" for key in train),
            "partitions/split01_test.csv": "".join(f"{key}\n" for key in test),
        }
        members = [(f"openmic-2018/audio/{key[:3]}/{key}.ogg", data) for key, data in clips.items()]
        members += [
            (f"openmic-2018/{name}", text.encode())
            for name, text in tables.items()
            if f"openmic-2018/{name}" != leave_out
        ]
        _write_tgz(folder / "openmic-2018-v1.0.0.tgz", members)
        return folder

    return write


@pytest.fixture
def write_esc50() -> Callable[..., Path]:
    """Return a writer of the ESC-50 archive: audio by file name, rows of the table."""

    def write(folder: Path, clips: Mapping[str, bytes], rows: Iterable[str], header: str | None = ESC50_HEADER) -> Path:
        members = [(f"ESC-50-master/audio/{name}", data) for name, data in clips.items()]
        if header is not None:
            members.append(("ESC-50-master/meta/esc50.csv", ("\n".join([header, *rows]) + "\n").encode()))
        _write_zip(folder / "ESC-50-master.zip", members)
        return folder

    return write


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a user's cache of this test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("INSTRUMENTARIUM_CACHE", str(folder))
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that is a disk of its own, of 64 KiB; where nobody may mount one, the test is skipped."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("to mount a small disk takes root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
