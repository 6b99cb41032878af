"""Inference and ingest give one verdict on every file that people have: whole, with its length, or refused for a reason."""

import hashlib
import io
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from decoding.made import (
    RATE_HZ,
    by_ffmpeg,
    by_libsndfile,
    id3v1,
    id3v2,
    mp3,
    notes,
    with_picture,
    with_wav_field,
)

from instrumentarium.corpora.source.members import SourceClip
from instrumentarium.decoding import ogg
from instrumentarium.decoding.pcm import SILENT, AudioError
from instrumentarium.decoding.stream import SampleStream
from instrumentarium.ingestion.audio import decode_clip
from instrumentarium.ingestion.ingest import ingest
from instrumentarium.tables.schemas import CLIPS, REJECTED

NEW_RATE_HZ = 16000
SOUND = notes(3.0)
CLUSTER = b"\x1f\x43\xb6\x75"
FRAME_S = 1152 / RATE_HZ
"""What an MPEG frame lasts."""


def opposite() -> np.ndarray:
    return np.stack([SOUND[:, 0], -SOUND[:, 0]], axis=1)


def with_spikes(value: float) -> np.ndarray:
    sound = SOUND.astype(np.float64)
    sound[1000] = value, -value
    return sound


def ogg_file(seed: int = 0, channels: int = 2) -> bytes:
    return by_libsndfile(notes(3.0, channels=channels, seed=seed), "OGG", "VORBIS")


def opus(seekable: bool = True) -> bytes:
    return by_ffmpeg(notes(3.0, 48000), "ogg", "libopus", 48000, seekable=seekable)


def webm(seekable: bool = True) -> bytes:
    return by_ffmpeg(notes(3.0, 48000), "webm", "libopus", 48000, seekable=seekable)


def with_open_sizes(data: bytes) -> bytes:
    """Return Matroska whose segment and clusters say no size, as those of live streams, and whose duration stays."""
    for name in (b"\x18\x53\x80\x67", CLUSTER):
        at = data.find(name)
        while at >= 0:
            at += 4
            length = 9 - data[at].bit_length()
            data = data[:at] + ((1 << 7 * length + 1) - 1).to_bytes(length, "big") + data[at + length :]
            at = data.find(name, at)
    return data


def without_last_cluster(data: bytes) -> bytes:
    return data[: data.rindex(CLUSTER)]


def long_webm() -> bytes:
    """Return a file of several clusters."""
    return by_ffmpeg(notes(12.0, 48000), "webm", "libopus", 48000)


def headerless_cut(data: bytes) -> bytes:
    return data[: len(data) * 6 // 10 + 1]


def flac_to_a_pipe() -> bytes:
    return by_ffmpeg(SOUND, "flac", "flac", bit_rate=None, seekable=False)


def wav() -> bytes:
    return by_libsndfile(SOUND, "WAV")


def data_size_at(data: bytes) -> int:
    return data.index(b"data") + 4


def pages(data: bytes) -> list[bytes]:
    found = []
    while data:
        segments = data[26]
        size = 27 + segments + sum(data[27 : 27 + segments])
        found.append(data[:size])
        data = data[size:]
    return found


def without_page(data: bytes, number: int) -> bytes:
    return b"".join(page for place, page in enumerate(pages(data)) if place != number)


def with_wrong_byte(data: bytes) -> bytes:
    return data[:-100] + bytes([data[-100] ^ 1]) + data[-99:]


def endless(data: bytes) -> bytes:
    """Return an Ogg file whose last page is not marked as such, with right checksums."""
    *others, last = pages(data)
    last = last[:5] + bytes([last[5] & ~4]) + last[6:22] + bytes(4) + last[26:]
    return b"".join(others) + last[:22] + ogg.checksum(last).to_bytes(4, "little") + last[26:]


HEARD: dict[str, tuple[Callable[[], bytes], float]] = {
    "mp3": (lambda: mp3(SOUND), 3.0),
    "mp3 of constant rate without header": (lambda: mp3(SOUND, xing=False), 3.0),
    "mp3 of variable rate without header": (lambda: mp3(SOUND, xing=False, vbr=True), 3.0),
    "mp3 from the middle of a stream": (lambda: mp3(SOUND, xing=False, vbr=True)[3000:], 2.85),
    "mp3 joined": (lambda: mp3(SOUND) + mp3(SOUND), 6.0),
    "mp3 joined without headers": (lambda: mp3(SOUND, xing=False) * 3, 9.0),
    "mp3 joined with tags": (lambda: id3v2() + mp3(SOUND) + id3v1() + id3v2() + mp3(SOUND) + id3v1(), 6.0),
    "mp3 joined of other rate and channels": (
        lambda: mp3(SOUND) + mp3(notes(2.0, 22050, 1), rate_hz=22050),
        5.0,
    ),
    "mp3 behind junk": (lambda: b"junk" * 500 + bytes(100) + mp3(SOUND), 3.0),
    "mp3 before junk": (lambda: mp3(SOUND) + b"junk" * 500, 3.0),
    "mp2": (lambda: by_ffmpeg(SOUND, "mp2", "mp2"), 3.0),
    "flac": (lambda: by_libsndfile(SOUND, "FLAC"), 3.0),
    "flac to a pipe": (flac_to_a_pipe, 3.0),
    "flac joined": (
        lambda: by_libsndfile(SOUND, "FLAC") + by_libsndfile(notes(2.0, 22050, 1), "FLAC", None, 22050),
        5.0,
    ),
    "flac with a tag behind": (lambda: by_libsndfile(SOUND, "FLAC") + id3v1(), 3.0),
    "flac with a tag before": (lambda: id3v2() + by_libsndfile(SOUND, "FLAC"), 3.0),
    "ogg": (ogg_file, 3.0),
    "ogg joined": (lambda: ogg_file() + ogg_file(1, 1) + ogg_file(), 9.0),
    "opus": (opus, 3.0),
    "opus joined": (lambda: opus() + opus(), 6.0),
    "ogg and opus joined": (lambda: ogg_file() + opus(), 6.0),
    "m4a": (lambda: by_ffmpeg(SOUND, "mp4", "aac"), 3.0),
    "m4a with its table first": (lambda: by_ffmpeg(SOUND, "mp4", "aac", container={"moov_size": "20000"}), 3.0),
    "aac": (lambda: by_ffmpeg(SOUND, "adts", "aac"), 3.0),
    "webm": (webm, 3.0),
    "webm to a pipe": (lambda: webm(seekable=False), 3.0),
    "webm without sizes": (lambda: with_open_sizes(long_webm()), 12.0),
    "matroska whose picture goes on": (lambda: with_picture(SOUND, 8.0), 3.0),
    "wma": (lambda: by_ffmpeg(SOUND, "asf", "wmav2"), 3.0),
    "wav with a tag behind": (lambda: wav() + id3v1(), 3.0),
    "wav whose audio has size 0": (lambda: with_wav_field(wav(), data_size_at(wav()), 0), 3.0),
    "wav to a pipe": (lambda: with_wav_field(wav(), data_size_at(wav()), 0xFFFFFFFF), 3.0),
    "opposite channels": (lambda: by_libsndfile(opposite(), "WAV"), 3.0),
    "opposite channels in ogg": (lambda: by_libsndfile(opposite(), "OGG", "VORBIS"), 3.0),
    "opposite channels in mp3": (lambda: mp3(opposite()), 3.0),
    "a spike": (lambda: by_libsndfile(with_spikes(3e38), "WAV", "FLOAT"), 3.0),
    "a spike of some 60 dB": (lambda: by_libsndfile(with_spikes(1e3), "WAV", "DOUBLE"), 3.0),
    **{
        kind: (lambda kind=kind: by_libsndfile(SOUND, kind), 3.0)  # type: ignore[misc]
        for kind in ("WAV", "AIFF", "RF64", "W64", "AU", "CAF", "WAVEX")
    },
}

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    **{
        f"{name} cut": (lambda make=HEARD[name][0]: make()[: len(make()) * 6 // 10], "truncated|not readable")  # type: ignore[misc]
        for name in (
            *("WAV", "AIFF", "RF64", "W64", "AU", "CAF", "mp3", "flac", "flac to a pipe", "ogg", "opus", "ogg joined"),
            *("m4a", "m4a with its table first", "aac", "webm", "webm to a pipe", "wma"),
        )
    },
    "ogg without its last page": (lambda: b"".join(pages(ogg_file())[:-1]), "marked as the stream's last"),
    "ogg without an end": (lambda: endless(ogg_file()), "marked as the stream's last"),
    "ogg without a page": (lambda: without_page(ogg_file(), 5), "page 5 of its stream"),
    "ogg with a wrong byte": (lambda: with_wrong_byte(ogg_file()), "checksum"),
    "ogg cut and joined": (lambda: b"".join(pages(ogg_file())[:-1]) + ogg_file(), "marked as the stream's last"),
    "mp3 of which frames were taken": (lambda: mp3(SOUND)[:5000] + mp3(SOUND)[30000:], "announces .* MPEG frames"),
    "mp3 of constant rate without header cut": (
        lambda: headerless_cut(mp3(SOUND, xing=False)),
        "truncated: its last MPEG frame lacks",
    ),
    "mp3 of variable rate without header cut": (
        lambda: headerless_cut(mp3(SOUND, xing=False, vbr=True)),
        "truncated: its last MPEG frame lacks",
    ),
    "mp3 cut within its last frame": (lambda: mp3(SOUND)[:-1], "truncated: its last MPEG frame lacks 1 of"),
    "mp2 cut": (lambda: by_ffmpeg(SOUND, "mp2", "mp2")[:-100], "truncated: its last MPEG frame lacks 100 of"),
    "webm without sizes, and without its last cluster": (
        lambda: without_last_cluster(with_open_sizes(long_webm())),
        "truncated: it announces 12.0 s, 1?[0-9.]+ s are there",
    ),
    "wav of 1 Hz": (lambda: with_wav_field(wav(), 24, 1), "a sample rate of 1 Hz"),
    "wav of 10 Hz": (lambda: with_wav_field(wav(), 24, 10), "a sample rate of 10 Hz"),
    "silence": (lambda: by_libsndfile(0 * SOUND, "WAV"), "silent"),
    "wav without audio": (lambda: by_libsndfile(SOUND[:0], "WAV"), "no audio frame"),
    "numbers that are none": (lambda: by_libsndfile(with_spikes(np.nan), "WAV", "FLOAT"), "NaN or infinite"),
    "text": (lambda: b"just some text" * 1000, "not readable"),
    "junk": (lambda: np.random.default_rng(0).bytes(50_000), "not readable"),
    "a playlist": (
        lambda: b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///dev/zero\n#EXT-X-ENDLIST\n",
        "not readable",
    ),
    "a tag alone": (id3v2, "not readable|no audio"),
}


def by_inference(path: Path) -> tuple[str, float, float]:
    """Return why a file is refused, its length in s, and its samples' root mean square, all as inference finds them."""
    stream = SampleStream.of_file(path, NEW_RATE_HZ)
    try:
        samples = np.concatenate(list(stream)).astype(np.float64)
    except AudioError as error:
        return str(error), 0.0, 0.0
    return (SILENT if stream.silent else ""), stream.duration_s, float(np.sqrt(np.mean(samples**2)))


def by_ingest(data: bytes) -> tuple[str, float, float]:
    try:
        clip = decode_clip(data, NEW_RATE_HZ)
    except AudioError as error:
        return str(error), 0.0, 0.0
    return "", clip.duration_s, float(np.sqrt(np.mean(clip.samples.astype(np.float64) ** 2)))


@pytest.mark.parametrize("name", HEARD)
@pytest.mark.filterwarnings("error")
def test_what_is_whole_is_decoded_whole(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    make, duration_s = HEARD[name]
    data = make()
    (tmp_path / "audio.raw").write_bytes(data)  # the name says nothing, or the wrong thing
    found, as_clip = by_inference(tmp_path / "audio.raw"), by_ingest(data)
    assert found[0] == as_clip[0] == ""
    assert found[1] == pytest.approx(as_clip[1], abs=1e-6)
    assert found[1] == pytest.approx(duration_s, abs=3 * FRAME_S * (1 + duration_s // 3))
    assert found[2] == as_clip[2] > 1000  # it is there, and as loud as it was
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("error")
def test_what_is_not_is_refused_with_the_reason(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    make, reason = REFUSED[name]
    (tmp_path / "audio.mp3").write_bytes(make())
    found = by_inference(tmp_path / "audio.mp3")[0]
    assert found == by_ingest(make())[0] != ""
    with pytest.raises(AudioError, match=reason):
        raise AudioError(found)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("kind", "subtype", "duration_s"),
    [
        ("WAV", "PCM_16", 3.0),
        ("WAV", "FLOAT", 3.0),
        ("FLAC", "PCM_24", 3.0),
        ("OGG", "VORBIS", 10.0),
        ("WAV", "PCM_16", 31.0),
    ],
)
def test_samples_are_those_of_the_whole_file_mixed_and_resampled_at_once(kind: str, subtype: str, duration_s: float):
    data = by_libsndfile(notes(duration_s), kind, subtype)
    integers = subtype == "PCM_16"
    pcm, _ = soundfile.read(io.BytesIO(data), dtype="int16" if integers else "float32", always_2d=True)
    floats = pcm / np.float32(32768) if integers else pcm
    mono = (floats[:, 0] + floats[:, 1]) / np.float32(2) / np.float32(max(1.0, np.abs(floats).max()))
    expected = np.rint(np.clip(soxr.resample(mono, RATE_HZ, 32000, quality="HQ") * np.float32(32767), -32767, 32767))
    clip = decode_clip(data, 32000)
    np.testing.assert_array_equal(clip.samples, expected)
    assert clip.pcm_hash == hashlib.md5(np.ascontiguousarray(pcm).tobytes()).hexdigest()


def test_headerless_mp3_has_the_sound_of_the_same_one_with_a_header():
    plain, headed = (decode_clip(mp3(SOUND, xing=xing, vbr=True), RATE_HZ).samples for xing in (False, True))
    delay = len(plain) - len(headed)  # what a header says of the encoder's delay and padding
    shifts = [np.abs(plain[at : at + 20000].astype(int) - headed[:20000]).max() for at in range(delay + 1)]
    assert min(shifts) <= 2


def test_links_of_a_chain_are_those_of_its_files():
    one, other = ogg_file(), ogg_file(1, 1)
    joined = decode_clip(one + other, NEW_RATE_HZ).samples
    apart = [decode_clip(data, NEW_RATE_HZ).samples for data in (one, other)]
    assert len(joined) == pytest.approx(sum(map(len, apart)), abs=2)
    np.testing.assert_allclose(joined[:40000], apart[0][:40000], atol=1)
    np.testing.assert_allclose(joined[-40000:], apart[1][-40000:], atol=300)  # a fraction of a sample apart


def test_a_spike_leaves_all_else_as_it_was():
    plain = decode_clip(by_libsndfile(SOUND, "WAV", "FLOAT"), RATE_HZ).samples
    spiky = decode_clip(by_libsndfile(with_spikes(3e38), "WAV", "FLOAT"), RATE_HZ).samples
    np.testing.assert_array_equal(np.delete(plain, 1000), np.delete(spiky, 1000))


def test_a_chord_of_one_second_above_full_scale_is_no_spike():
    loud = SOUND.astype(np.float64)
    loud[RATE_HZ : RATE_HZ + 200] *= 300
    data = by_libsndfile(loud, "WAV", "FLOAT")
    expected = np.abs(SOUND.mean(axis=1)).max() * 32767 / np.abs(loud).max()
    assert np.abs(decode_clip(data, RATE_HZ).samples[: RATE_HZ - 10]).max() == pytest.approx(expected, abs=2)


def test_a_long_flac_of_few_bytes_is_refused_by_ingest_in_little_memory():
    """Four hours of one value at 1 kHz take little to write, and stand for forty."""
    data = by_libsndfile(np.full((4 * 3600 * 1000, 1), 0.25), "FLAC", "PCM_16", 1000)
    assert len(data) < 100_000
    tracemalloc.start()
    with pytest.raises(AudioError, match="too long: over 2 h"):
        decode_clip(data, 8000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 7200 * 8000 + 150e6


@pytest.mark.parametrize("samples", [0, 1, (1 << 36) - 1])
def test_a_length_announced_is_never_allocated(samples: int):
    data = bytearray(by_libsndfile(SOUND, "FLAC"))
    field = int.from_bytes(data[21:26], "big") >> 36 << 36 | samples
    data[21:26] = field.to_bytes(5, "big")
    verdict = by_ingest(bytes(data))
    assert verdict[1] == pytest.approx(3.0) or verdict[0].startswith(("truncated", "not readable", "too short"))


def test_the_checksum_is_that_of_ogg():
    """Pages written by libsndfile have it; and a known value: one bit gives the polynomial."""
    assert ogg.checksum(b"\x00\x00\x00\x01") == 0x04C11DB7
    for page in pages(ogg_file()):
        assert ogg.checksum(page[:22] + bytes(4) + page[26:]).to_bytes(4, "little") == page[22:26]
    assert ogg.checksum(b"") == 0 == zlib.crc32(b"")


def test_ingest_tells_every_bad_file_and_keeps_the_good_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from instrumentarium.ingestion import audio

    def without_memory(self: object, samples: np.ndarray) -> None:
        if samples.shape[1] == 1:
            raise MemoryError("Unable to allocate 64.0 GiB")
        return add(self, samples)

    add = audio.PcmHash.add
    monkeypatch.setattr(audio.PcmHash, "add", without_memory)
    clips = [
        SourceClip(path=f"{number}.wav", data=data, labels={"cel": 1.0}, recording=str(number), official_split="train")
        for number, data in enumerate([wav(), by_libsndfile(SOUND[:, :1], "WAV"), with_wav_field(wav(), 24, 1), wav()])
    ]
    ingest("irmas", iter(clips), tmp_path, NEW_RATE_HZ)
    assert list(CLIPS.read(tmp_path / "clips.csv")["path"]) == ["0.wav", "3.wav"]
    reasons = dict(REJECTED.read(tmp_path / "rejected.csv").itertuples(index=False))
    assert "MemoryError: Unable to allocate" in reasons["1.wav"]
    assert "a sample rate of 1 Hz" in reasons["2.wav"]
