import hashlib
import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from instrumentarium.decoding.containers import missing_bytes
from instrumentarium.decoding.content import Content
from instrumentarium.decoding.decoder import decode_blocks
from instrumentarium.decoding.pcm import AudioError, mix_down, peak_of, to_int16
from instrumentarium.decoding.stream import SampleStream
from instrumentarium.ingestion.audio import PcmHash, decode_clip
from instrumentarium.tables.samplestore import FULL_SCALE

RATE = 32000
Samples = npt.NDArray[np.float64]
Tone = Callable[..., Samples]
Encoder = Callable[..., bytes]


def decode(data: bytes) -> tuple[npt.NDArray[np.number], int]:
    """Return all samples of a file and its rate."""
    blocks = list(decode_blocks(data))
    return np.concatenate([block.samples for block in blocks]), blocks[0].sample_rate_hz


def pcm_hash(samples: npt.NDArray[np.number], pieces: int = 3) -> str:
    """Return the hash of samples, added in pieces."""
    found = PcmHash()
    for piece in np.array_split(samples, pieces):
        found.add(piece)
    return found.hexdigest()


def level_db(samples: npt.NDArray[np.number]) -> float:
    """Return the root mean square in dB of full scale, the clip's edges left out."""
    inner = samples[len(samples) // 10 : -len(samples) // 10] / FULL_SCALE
    return float(20 * np.log10(np.sqrt(np.mean(inner**2)) + 1e-12))


def fit_sine(samples: npt.NDArray[np.number], hz: float, rate: int) -> tuple[float, float]:
    """Return the amplitude of the sine at `hz`, and how far it stands above all else, in dB."""
    inner = slice(len(samples) // 10, -len(samples) // 10)
    time = np.arange(len(samples))[inner] / rate
    basis = np.stack([np.sin(2 * np.pi * hz * time), np.cos(2 * np.pi * hz * time)], axis=1)
    decoded = samples[inner] / FULL_SCALE
    weights, *_ = np.linalg.lstsq(basis, decoded, rcond=None)
    noise = decoded - basis @ weights
    return float(np.hypot(*weights)), float(10 * np.log10(np.mean((basis @ weights) ** 2) / np.mean(noise**2)))


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100, 48000, 96000])
def test_a_sine_keeps_its_frequency_and_level_at_every_rate(tone: Tone, audio: Encoder, rate: int):
    clip = decode_clip(audio(tone(1.0, 1000, rate), rate), RATE)
    assert len(clip.samples) == pytest.approx(RATE, abs=1)
    amplitude, snr_db = fit_sine(clip.samples, 1000, RATE)
    assert amplitude == pytest.approx(0.5, rel=1e-3)
    assert snr_db > 80


def test_what_lies_above_the_new_nyquist_frequency_is_gone(tone: Tone, audio: Encoder):
    clip = decode_clip(audio(tone(1.0, 20000)), RATE)
    assert level_db(clip.samples) < -80


def test_what_lies_below_it_stays_when_what_lies_above_goes(tone: Tone, audio: Encoder):
    clip = decode_clip(audio(tone(1.0, 1000, peak=0.3) + tone(1.0, 19000, peak=0.3)), RATE)
    amplitude, snr_db = fit_sine(clip.samples, 1000, RATE)
    assert amplitude == pytest.approx(0.3, rel=1e-3)
    assert snr_db > 60


@pytest.mark.parametrize(
    ("rate", "channels", "kind", "subtype"),
    [
        (8000, 1, "WAV", "PCM_16"),
        (96000, 6, "WAV", "PCM_24"),
        (44100, 2, "WAV", "PCM_24"),
        (44100, 1, "WAV", "PCM_U8"),
        (44100, 2, "WAV", "FLOAT"),
        (44100, 2, "WAV", "DOUBLE"),
        (48000, 2, "WAVEX", "PCM_32"),
        (44100, 2, "FLAC", "PCM_16"),
        (48000, 1, "OGG", "VORBIS"),
    ],
)
def test_every_usual_format_is_read(tone: Tone, audio: Encoder, rate: int, channels: int, kind: str, subtype: str):
    clip = decode_clip(audio(tone(0.75, 1000, rate, channels), rate, kind, subtype), RATE)
    assert (clip.duration_s, clip.sample_rate_hz, clip.channels) == (0.75, rate, channels)
    assert len(clip.samples) == pytest.approx(0.75 * RATE, abs=1)
    assert clip.samples.dtype == np.int16
    assert fit_sine(clip.samples, 1000, RATE)[0] == pytest.approx(0.5, rel=0.02)


def test_channels_are_averaged(tone: Tone, audio: Encoder):
    left_only = np.concatenate([tone(0.5), np.zeros_like(tone(0.5))], axis=1)
    mono, mixed = (decode_clip(audio(samples), RATE).samples for samples in (tone(0.5, peak=0.25), left_only))
    np.testing.assert_allclose(mono, mixed, atol=1)


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_a_float_file_above_full_scale_is_scaled_down_not_clipped(tone: Tone, audio: Encoder, subtype: str):
    clip = decode_clip(audio(tone(0.5, 1000, RATE, peak=4.0), RATE, subtype=subtype), RATE)
    amplitude, snr_db = fit_sine(clip.samples, 1000, RATE)
    assert amplitude == pytest.approx(1, rel=1e-3)
    assert snr_db > 80


def test_loudness_stays_what_it_was(tone: Tone, audio: Encoder):
    loud, quiet = (decode_clip(audio(tone(peak=peak), subtype="FLOAT"), RATE).samples for peak in (0.9, 0.009))
    assert level_db(loud) - level_db(quiet) == pytest.approx(40, abs=0.05)


def test_an_overshoot_of_the_resampler_is_clipped_to_full_scale():
    stored = to_int16(np.array([-1.2, -1, 0, 0.5 / FULL_SCALE, 0.6 / FULL_SCALE, 1, 1.2], dtype=np.float32))
    assert stored.tolist() == [-FULL_SCALE, -FULL_SCALE, 0, 0, 1, FULL_SCALE, FULL_SCALE]


def test_no_work_is_done_where_there_is_none():
    mono = np.ones(8, dtype=np.float32)
    assert np.shares_memory(mix_down(mono[:, None]), mono)
    stored = (np.arange(-4000, 4000, dtype=np.float32) / 4096)[:, None]
    np.testing.assert_array_equal(
        np.concatenate(list(SampleStream.of_array(stored, RATE, RATE))), to_int16(stored[:, 0])
    )


def test_equal_audio_has_an_equal_hash_whatever_its_container(tone: Tone, audio: Encoder):
    stereo = np.rint(32767 * np.concatenate([tone(hz=300), tone(hz=500)], axis=1)).astype(np.int16)
    clips = [decode_clip(audio(stereo, kind=kind), RATE) for kind in ("WAV", "FLAC", "AIFF")]
    assert len({clip.pcm_hash for clip in clips}) == 1
    assert clips[0].pcm_hash == hashlib.md5(decode(audio(stereo))[0].tobytes()).hexdigest()
    others = [stereo[:, ::-1], stereo[1:], stereo // 2]
    assert len({clips[0].pcm_hash, *(decode_clip(audio(other), RATE).pcm_hash for other in others)}) == 4


def test_a_copy_with_more_bits_has_the_hash_of_the_original(tone: Tone, audio: Encoder):
    stereo = np.rint(32767 * np.concatenate([tone(hz=300), tone(hz=500)], axis=1)).astype(np.int16)
    stereo[:2] = [[-32768, 32767], [0, -1]]
    exact = stereo.astype(np.float32) / 32768
    assert np.array_equal(decode(audio(exact, subtype="FLOAT"))[0], exact)
    assert pcm_hash(exact) == pcm_hash(stereo) == hashlib.md5(stereo.tobytes()).hexdigest()
    clips = [decode_clip(audio(exact, subtype=subtype), RATE) for subtype in ("FLOAT", "DOUBLE", "PCM_24", "PCM_32")]
    assert {clip.pcm_hash for clip in clips} == {pcm_hash(stereo)}


@pytest.mark.parametrize("value", [0.5 / 32768, 1.0, -1 - 1 / 32768, 100.0])
@pytest.mark.parametrize("place", [0, -1])
def test_one_sample_that_16_bits_cannot_hold_makes_another_hash(value: float, place: int):
    exact = (np.arange(-9000, 9000, dtype=np.float32) / 32768).reshape(-1, 2)
    other = exact.copy()
    other[place, 0] = value
    assert pcm_hash(other) == hashlib.md5(other.tobytes()).hexdigest()
    assert pcm_hash(other) != pcm_hash(exact)


@pytest.mark.parametrize("channels", range(1, 8))
def test_integers_and_floats_are_mixed_alike(channels: int):
    integers = np.random.default_rng(channels).integers(-32768, 32768, size=(5000, channels), dtype=np.int16)
    integers[:2] = [[-32768], [32767]]
    floats = integers.astype(np.float32) / 32768
    expected = floats.mean(axis=1, dtype=np.float32)
    for samples in (integers, floats):
        mixed = mix_down(samples)
        assert mixed.dtype == np.float32
        np.testing.assert_array_equal(mixed, expected)
    assert peak_of(integers) == peak_of(floats) == 1


def test_many_channels_are_averaged_too():
    samples = np.random.default_rng(0).standard_normal((1000, 16)).astype(np.float32)
    np.testing.assert_allclose(mix_down(samples), samples.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(("subtype", "kept"), [("PCM_16", "int16"), ("PCM_U8", "int16"), ("PCM_24", "float32")])
def test_integers_are_kept_where_they_hold_everything(tone: Tone, audio: Encoder, subtype: str, kept: str):
    data = audio(tone(channels=2), subtype=subtype)
    samples, rate = decode(data)
    assert (samples.dtype, samples.shape, rate) == (kept, (22050, 2), 44100)
    as_floats, _ = soundfile.read(io.BytesIO(data), dtype="float32")
    np.testing.assert_array_equal(samples / np.float32(32768) if kept == "int16" else samples, as_floats)


@pytest.mark.parametrize("samples", [[0.25, -0.5], [0.5, -0.25], [-0.5, -0.25], [0.25, 0.5]])
def test_the_peak_is_the_largest_magnitude(samples: list[float]):
    assert peak_of(np.array([samples], dtype=np.float32)) == 0.5
    assert peak_of((32768 * np.array([samples])).astype(np.int16)) == 0.5
    assert np.isnan(peak_of(np.array([[*samples, np.nan]], dtype=np.float32)))


def test_equal_bytes_give_equal_samples(tone: Tone, audio: Encoder):
    data = audio(tone(0.5, 1234, 44100, 2))
    np.testing.assert_array_equal(decode_clip(data, RATE).samples, decode_clip(data, RATE).samples)


def noise_of(steps: int) -> Samples:
    """Return noise within ± `steps` of 16-bit quantisation."""
    return np.random.default_rng(0).integers(-steps, steps + 1, size=(44100, 1)) / 32768


def test_what_is_quiet_is_kept_and_what_is_silent_is_not(audio: Encoder):
    assert decode_clip(audio(noise_of(9)), RATE).samples.any()
    with pytest.raises(AudioError, match=r"^silent: its peak lies below -72 dB of full scale$"):
        decode_clip(audio(noise_of(8)), RATE)


def test_where_channels_cancel_one_is_used(tone: Tone, audio: Encoder):
    opposite = audio(np.concatenate([tone(), -tone()], axis=1), subtype="FLOAT")
    np.testing.assert_array_equal(
        decode_clip(opposite, RATE).samples, decode_clip(audio(tone(), subtype="FLOAT"), RATE).samples
    )


def test_digital_silence_is_refused(audio: Encoder):
    with pytest.raises(AudioError, match="silent"):
        decode_clip(audio(np.zeros((44100, 2))), RATE)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_sample_that_is_no_number_is_enough_to_refuse(tone: Tone, audio: Encoder, value: float):
    samples = tone(channels=2)
    samples[100, 1] = value
    with pytest.raises(AudioError, match=r"^it holds NaN or infinite samples$"):
        decode_clip(audio(samples, subtype="FLOAT"), RATE)


def test_a_file_of_one_sample_is_too_short(audio: Encoder):
    with pytest.raises(AudioError, match=r"^too short: 1 frames at 44100 Hz are under 0\.1 s$"):
        decode_clip(audio(np.full((1, 1), 0.5)), RATE)


def test_a_tenth_of_a_second_is_long_enough(tone: Tone, audio: Encoder):
    assert decode_clip(audio(tone(0.1)), RATE).duration_s == 0.1
    with pytest.raises(AudioError, match="too short: 4409 frames"):
        decode_clip(audio(tone(0.1)[:-1]), RATE)


def test_an_empty_file_is_refused():
    with pytest.raises(AudioError, match=r"^the file is empty \(0 bytes\)$"):
        decode_clip(b"", RATE)


def test_a_file_without_frames_is_refused(audio: Encoder):
    with pytest.raises(AudioError, match=r"^the file holds no audio frame$"):
        decode_clip(audio(np.zeros((0, 1))), RATE)


@pytest.mark.parametrize("data", [b"cel\t\n", b"this is a text file named .wav\n" * 100, b"RIFF", bytes(5000)])
def test_a_text_file_named_wav_is_refused(data: bytes):
    with pytest.raises(AudioError, match=r"^not readable as audio: "):
        decode_clip(data, RATE)


def test_the_reason_does_not_change_from_run_to_run():
    """It stands in rejected.csv, so it must not name an address in memory."""
    reasons = set()
    for _ in range(3):
        with pytest.raises(AudioError) as error:
            decode(bytes(bytearray(b"some text")))
        reasons.add(str(error.value))
    assert len(reasons) == 1
    assert "0x" not in reasons.pop()


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_breaks_off_is_refused(tone: Tone, audio: Encoder, kind: str, share: float):
    subtype = "VORBIS" if kind == "OGG" else "PCM_16"
    data = audio(tone(1.0, channels=2), kind=kind, subtype=subtype)
    with pytest.raises(AudioError, match=r"not readable as audio|truncated|no audio frame"):
        decode(data[: int(len(data) * share)])


def test_a_wav_file_that_breaks_off_says_how_much_is_missing(tone: Tone, audio: Encoder):
    data = audio(tone(1.0))
    with pytest.raises(
        AudioError, match=r"^truncated: 1000 bytes of the audio that its header announces are not there"
    ):
        decode(data[:-1000])


def test_a_wav_file_written_to_a_pipe_has_no_length_to_hold_it_to(tone: Tone, audio: Encoder):
    data = bytearray(audio(tone(1.0)))
    at = data.index(b"data") + 4
    data[at : at + 4] = data[4:8] = b"\xff\xff\xff\xff"
    assert len(decode(bytes(data))[0]) == 44100


def test_chunks_beside_the_audio_of_a_wav_file_do_not_count(tone: Tone, audio: Encoder):
    data = audio(tone(0.5))
    extra = b"LIST" + (5).to_bytes(4, "little") + b"notes\0"
    before = data[: data.index(b"data")] + extra + data[data.index(b"data") :]
    for whole in (before, data + extra, data + extra[:-3]):
        assert missing_bytes(Content(whole)) == 0
        assert len(decode(whole)[0]) == 22050
    assert missing_bytes(Content(before[:-10])) == 10


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
def test_damaged_bytes_give_a_reason_or_samples_but_nothing_else(tone: Tone, audio: Encoder, kind: str):
    data = audio(tone(0.5, channels=2), kind=kind, subtype="VORBIS" if kind == "OGG" else "PCM_16")
    rng = np.random.default_rng(0)
    refused = 0
    for position in (*range(60), *rng.integers(0, len(data), size=60)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << int(rng.integers(8))
        try:
            decode_clip(bytes(damaged), RATE)
        except AudioError:
            refused += 1
    assert refused
