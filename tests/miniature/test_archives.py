"""Archives of the miniature: bytes that depend on content alone."""

import hashlib
import io
import tarfile
import time
import zipfile

import numpy as np
import pytest
import soundfile

from instrumentarium.miniature.layouts.archives import encode_audio, with_fixed_serial, write_tgz, write_zip

MEMBERS = [("top/", b""), ("top/a.txt", b"one"), ("top/é [b].txt", b"two" * 1000)]


@pytest.mark.parametrize(("write", "name"), [(write_zip, "a.zip"), (write_tgz, "a.tgz")])
def test_equal_members_give_equal_bytes_at_another_time_and_place(tmp_path, monkeypatch, write, name):
    write(tmp_path / name, MEMBERS)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    write(tmp_path / f"other-{name}", MEMBERS)
    assert (tmp_path / name).read_bytes() == (tmp_path / f"other-{name}").read_bytes()


def test_members_come_back_in_order(tmp_path):
    write_zip(tmp_path / "a.zip", MEMBERS)
    write_tgz(tmp_path / "a.tgz", MEMBERS)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert [(name, archive.read(name)) for name in archive.namelist()] == MEMBERS
        assert archive.testzip() is None
    with tarfile.open(tmp_path / "a.tgz") as archive:
        assert [entry.name for entry in archive] == [name.rstrip("/") for name, _ in MEMBERS]
        assert all(entry.mtime == entry.uid == entry.gid == 0 and entry.uname == "" for entry in archive)


def test_a_failure_keeps_the_earlier_archive(tmp_path):
    write_zip(tmp_path / "a.zip", MEMBERS)
    before = hashlib.md5((tmp_path / "a.zip").read_bytes()).hexdigest()

    def failing():
        yield "x.txt", b"x"
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_zip(tmp_path / "a.zip", failing())
    assert hashlib.md5((tmp_path / "a.zip").read_bytes()).hexdigest() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def _tone(seconds: float, rate: int, channels: int) -> np.ndarray:
    time_s = np.arange(int(seconds * rate)) / rate
    tone = (8000 * np.sin(2 * np.pi * 440 * time_s)).astype(np.int16)
    return np.repeat(tone[:, None], channels, axis=1)


def test_wav_round_trip_is_exact():
    samples = _tone(0.5, 44_100, 2)
    back, rate = soundfile.read(io.BytesIO(encode_audio(samples, 44_100, "wav")), dtype="int16")
    assert rate == 44_100
    np.testing.assert_array_equal(back, samples)


@pytest.mark.parametrize(("rate", "channels"), [(22_050, 1), (48_000, 2)])
def test_vorbis_bytes_repeat_and_decode_to_the_same_length(rate, channels):
    samples = _tone(10.0, rate, channels)
    first, second = (encode_audio(samples, rate, "ogg", 0.6) for _ in range(2))
    assert first == second
    info = soundfile.info(io.BytesIO(first))
    assert (info.frames, info.samplerate, info.channels, info.subtype) == (10 * rate, rate, channels, "VORBIS")
    back, _ = soundfile.read(io.BytesIO(first))
    correlation = np.corrcoef(back.reshape(-1), samples.reshape(-1))[0, 1]
    assert correlation > 0.99


@pytest.mark.parametrize(("rate", "quality"), [(44_100, 0.5), (22_050, 0.6)])
def test_channels_that_processors_would_couple_differently_are_refused(rate, quality):
    with pytest.raises(ValueError, match=f"2 channels of quality {quality} at {rate} Hz"):
        encode_audio(_tone(0.5, rate, 2), rate, "ogg", quality)


def test_ogg_pages_keep_their_checksum_when_the_serial_was_right_already():
    ogg = encode_audio(_tone(1.0, 44_100, 1), 44_100, "ogg")
    assert with_fixed_serial(ogg) == ogg


def test_what_is_no_ogg_is_refused():
    with pytest.raises(ValueError, match="no Ogg page at byte 0"):
        with_fixed_serial(b"RIFF....WAVE")
