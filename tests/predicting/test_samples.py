"""Streams hold what ingest decodes, sample for sample, and windows fall where evaluation cuts them."""

import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from instrumentarium.clips.windows import cut_window, window_starts
from instrumentarium.decoding import sndfile, stream
from instrumentarium.decoding.pcm import AudioError
from instrumentarium.decoding.stream import SampleStream
from instrumentarium.ingestion.audio import decode_clip
from instrumentarium.predicting.samples import stream_windows

Music = Callable[..., npt.NDArray[np.float64]]


def streamed(path: Path, rate_hz: int = 8000) -> npt.NDArray[np.int16]:
    return np.concatenate(list(SampleStream.of_file(path, rate_hz)))


@pytest.mark.parametrize("rate_hz", [8000, 11025, 44100, 96000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [("wav", "PCM_16"), ("wav", "FLOAT"), ("flac", "PCM_24"), ("aiff", "PCM_16"), ("w64", "PCM_U8")],
)
def test_a_stream_has_the_samples_that_ingest_has(
    tmp_path: Path,
    music: Music,
    monkeypatch: pytest.MonkeyPatch,
    rate_hz: int,
    channels: int,
    suffix: str,
    subtype: str,
):
    monkeypatch.setattr(sndfile, "BLOCK_VALUES", 7001)
    path = tmp_path / f"music.{suffix}"
    soundfile.write(path, music(rate_hz, 1.3, channels), rate_hz, subtype=subtype)
    np.testing.assert_array_equal(streamed(path), decode_clip(path.read_bytes(), 8000).samples)


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_compressed_files_are_decoded_as_ingest_decodes_them(
    tmp_path: Path, music: Music, monkeypatch: pytest.MonkeyPatch, suffix: str
):
    monkeypatch.setattr(sndfile, "BLOCK_VALUES", 7001)
    path = tmp_path / f"music.{suffix}"
    soundfile.write(path, music(44100, 2.0, 2), 44100)
    np.testing.assert_array_equal(streamed(path), decode_clip(path.read_bytes(), 8000).samples)


@pytest.mark.parametrize("held", [1 << 24, 5000])
def test_a_file_above_full_scale_is_scaled_by_its_peak_whether_held_or_read_twice(
    tmp_path: Path, music: Music, monkeypatch: pytest.MonkeyPatch, held: int
):
    monkeypatch.setattr(sndfile, "BLOCK_VALUES", 2048)
    monkeypatch.setattr(stream, "HELD_FRAMES", held)
    loud = music(44100, 1.0) * np.linspace(0.1, 4.0, 44100)[:, None]
    soundfile.write(tmp_path / "loud.wav", loud, 44100, subtype="FLOAT")
    np.testing.assert_array_equal(
        streamed(tmp_path / "loud.wav"), decode_clip((tmp_path / "loud.wav").read_bytes(), 8000).samples
    )


def test_a_stream_can_be_gone_through_again(song: Path):
    stream = SampleStream.of_file(song, 8000)
    first = np.concatenate(list(stream))
    np.testing.assert_array_equal(first, np.concatenate(list(stream)))
    assert stream.duration_s == pytest.approx(1.3)
    assert not stream.silent


def test_a_waveform_in_memory_is_streamed_as_the_file_that_holds_it(tmp_path: Path, music: Music):
    waveform = music(44100, 1.0, 2)
    soundfile.write(tmp_path / "w.wav", waveform, 44100, subtype="FLOAT")
    stream = SampleStream.of_array(waveform, 44100, 8000)
    np.testing.assert_array_equal(np.concatenate(list(stream)), streamed(tmp_path / "w.wav"))


@pytest.mark.parametrize("shape", [(), (10, 0), (2, 3, 4)])
def test_a_waveform_of_another_shape_is_refused(shape: tuple[int, ...]):
    with pytest.raises(AudioError, match="shape"):
        SampleStream.of_array(np.zeros(shape), 8000, 8000)


@pytest.mark.parametrize("length", [1, 99, 100, 101, 149, 150, 151, 1000, 1024])
@pytest.mark.parametrize("hop", [1, 50, 70, 100])
@pytest.mark.parametrize("block", [1, 37, 100, 5000])
def test_streamed_windows_are_those_of_evaluation(length: int, hop: int, block: int):
    whole = np.random.default_rng(0).integers(-1000, 1000, length).astype(np.int16)
    streamed = list(stream_windows((whole[at : at + block] for at in range(0, length, block)), 100, hop))
    starts = window_starts(length, 100, hop)
    assert [start for start, _ in streamed] == starts
    for start, window in streamed:
        np.testing.assert_array_equal(window, cut_window(whole, start, 100))


def truncated(path: Path, music: Music, kind: str, share: float = 0.5) -> None:
    soundfile.write(path, music(44100, 3.0), 44100, format=kind)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def encrypted_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("song.txt", np.random.default_rng(0).bytes(200_000))
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag of encryption
    path.write_bytes(data)


def zero_channels(path: Path, music: Music) -> None:
    soundfile.write(path, music(8000, 1.0), 8000)
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, 22, 0)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("empty.wav", lambda path, music: path.write_bytes(b""), "empty"),
        ("text.wav", lambda path, music: path.write_bytes(b"just some text" * 100), "not readable as audio"),
        ("cut.wav", lambda path, music: truncated(path, music, "WAV"), "truncated"),
        ("cut.flac", lambda path, music: truncated(path, music, "FLAC"), "truncated|beyond frame"),
        ("cut.mp3", lambda path, music: truncated(path, music, "MP3"), "truncated"),
        ("zip.mp3", lambda path, music: encrypted_zip(path), "not readable as audio"),
        ("none.wav", zero_channels, "not readable as audio"),
        ("nan.wav", lambda path, music: soundfile.write(path, np.full(8000, np.nan), 8000, "FLOAT"), "NaN"),
        ("inf.wav", lambda path, music: soundfile.write(path, np.full(8000, np.inf), 8000, "FLOAT"), "NaN or infin"),
        ("one.wav", lambda path, music: soundfile.write(path, np.ones(1) / 2, 44100), "too short: 1 frames"),
        ("no.wav", lambda path, music: soundfile.write(path, np.ones(0), 44100), "no audio frame"),
    ],
)
def test_what_cannot_be_used_says_why(
    tmp_path: Path, music: Music, name: str, make: Callable[..., object], message: str
):
    make(tmp_path / name, music)
    with pytest.raises(AudioError, match=message):
        streamed(tmp_path / name)


def test_two_hundred_channels_are_mixed_down(tmp_path: Path, music: Music):
    soundfile.write(tmp_path / "many.wav", music(8000, 0.5, 200), 8000)
    assert len(streamed(tmp_path / "many.wav")) == 4000


def test_a_missing_file_is_missing(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        streamed(tmp_path / "gone.wav")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so(song: Path):
    song.chmod(0)
    with pytest.raises(PermissionError):
        streamed(song)
