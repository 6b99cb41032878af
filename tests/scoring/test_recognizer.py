import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import torch
from model_fixtures import RATE_HZ, bytes_below, clip_samples, noise_clips, shifting_model, timbre_clip, tiny_card

from instrumentarium.clips.windows import cut_window, window_starts
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.ingestion.audio import AudioError, decode_clip
from instrumentarium.models.modelfile import MissingModelError, save_model
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.scoring.recognizer import Recognizer
from instrumentarium.tables.taxonomy import CODES

CPU = torch.device("cpu")


@pytest.fixture
def recognizer() -> Recognizer:
    return Recognizer(shifting_model(), tiny_card(), CPU)


def by_hand(model: RecognitionModel, clip: npt.NDArray[np.int16]) -> tuple[npt.NDArray[np.float64], ...]:
    """Return a clip's mean probabilities and embedding, window by window."""
    probabilities, embeddings = [], []
    with torch.no_grad():
        for start in window_starts(len(clip), 4000, 2000):
            waveform = to_waveforms(torch.from_numpy(cut_window(clip, start, 4000).copy()))[None]
            probabilities.append(model(waveform).sigmoid()[0].double().numpy())
            embeddings.append(model.embed(model.normalise(model.frontend(waveform)))[0].double().numpy())
    return np.mean(probabilities, axis=0), np.mean(embeddings, axis=0)


def music(rate_hz: int, duration_s: float = 1.3) -> npt.NDArray[np.float64]:
    """Return notes within the band of an 8 kHz signal, (frames,)."""
    time = np.arange(round(duration_s * rate_hz)) / rate_hz
    return sum((0.2 * np.sin(2 * np.pi * hz * time) * (1 + np.sin(9 * time)) for hz in (220, 660, 1500)), 0 * time)


def test_a_clips_scores_are_the_models_averaged_over_windows(recognizer: Recognizer):
    clips = noise_clips([4000, 11000, 500, 8000])
    results = recognizer.clips(clip_samples(clips))
    assert results.scores.shape == (4, 11)
    assert results.embeddings.shape == (4, recognizer.model.backbone.embedding_size)
    assert results.embeddings.dtype == np.float32
    for clip, scores, embedding in zip(clips, results.scores, results.embeddings, strict=True):
        expected_scores, expected_embedding = by_hand(recognizer.model, clip)
        np.testing.assert_allclose(scores, expected_scores, atol=1e-5)
        np.testing.assert_allclose(embedding, expected_embedding, atol=1e-4, rtol=1e-4)


def test_scores_are_probabilities_and_the_same_every_time(recognizer: Recognizer):
    samples = clip_samples(noise_clips([4000] * 3))
    first, again = recognizer.clips(samples), recognizer.clips(samples)
    assert ((first.scores > 0) & (first.scores < 1)).all()
    np.testing.assert_array_equal(first.scores, again.scores)


def test_a_clip_has_its_scores_whatever_else_is_scored(recognizer: Recognizer):
    clips = noise_clips([9000] * 20)  # 80 windows: batches end within clips
    together = recognizer.clips(clip_samples(clips)).scores
    alone = [recognizer.clips(clip_samples([clip])).scores[0] for clip in clips]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_saved_model_listens_as_it_did_before(recognizer: Recognizer, tmp_path: Path):
    save_model(tmp_path, recognizer.model.state_dict(), recognizer.card)
    samples = clip_samples(noise_clips([9000, 100]))
    loaded = Recognizer.load(tmp_path, CPU)
    np.testing.assert_array_equal(loaded.clips(samples).scores, recognizer.clips(samples).scores)
    with pytest.raises(MissingModelError):
        Recognizer.load(tmp_path / "elsewhere")


def test_a_file_scores_as_the_clip_it_holds(recognizer: Recognizer, tmp_path: Path):
    clip = timbre_clip("cla", np.random.default_rng(0), duration_s=2.2)
    soundfile.write(tmp_path / "clip.wav", clip, RATE_HZ, subtype="PCM_16")
    scores = recognizer.file(tmp_path / "clip.wav")
    assert list(scores) == list(CODES)
    decoded = decode_clip((tmp_path / "clip.wav").read_bytes(), RATE_HZ).samples
    np.testing.assert_allclose(list(scores.values()), by_hand(recognizer.model, decoded)[0], atol=1e-5)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 44100, 96000])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(("suffix", "subtype"), [("wav", "PCM_16"), ("wav", "FLOAT"), ("flac", "PCM_24")])
def test_any_rate_channel_count_and_format_is_heard_alike(
    recognizer: Recognizer, tmp_path: Path, rate_hz: int, channels: int, suffix: str, subtype: str
):
    expected = recognizer.clips(clip_samples([(music(RATE_HZ) * 32767).round().astype("<i2")])).scores[0]
    path = tmp_path / f"music.{suffix}"
    soundfile.write(path, np.tile(music(rate_hz)[:, None], (1, channels)), rate_hz, subtype=subtype)
    np.testing.assert_allclose(list(recognizer.file(path).values()), expected, atol=0.03)


def test_a_tenth_of_a_second_is_enough(recognizer: Recognizer, tmp_path: Path):
    soundfile.write(tmp_path / "short.wav", music(44100, 0.1), 44100)
    assert all(0 < score < 1 for score in recognizer.file(tmp_path / "short.wav").values())


def test_the_whole_file_is_heard(recognizer: Recognizer, tmp_path: Path):
    quiet = 0.01 * music(RATE_HZ, 20.0)
    scores = []
    for at_s in (None, 0.0, 10.3, 19.5):
        sound = quiet.copy()
        if at_s is not None:
            start = round(at_s * RATE_HZ)
            sound[start : start + 4000] += 0.5 * np.random.default_rng(0).standard_normal(4000).clip(-1, 1)
        soundfile.write(tmp_path / "long.wav", sound, RATE_HZ)
        scores.append(list(recognizer.file(tmp_path / "long.wav").values()))
    for changed in scores[1:]:
        assert np.abs(np.subtract(changed, scores[0])).max() > 1e-6  # what is not heard changes nothing at all


def test_windows_overlap_as_the_card_says(recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch):
    heard = []
    listen = recognizer.windows
    monkeypatch.setattr(recognizer, "windows", lambda waveforms: heard.append(len(waveforms)) or listen(waveforms))
    recognizer.clips(clip_samples(noise_clips([4000 + 40 * 2000 + 1])))
    assert heard == [32, 10]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"just some text", "not readable as audio"),
        (np.zeros(8000), "silent"),
        (np.full(8000, np.nan), "NaN"),
        (music(RATE_HZ, 0.09), "too short"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    recognizer: Recognizer, tmp_path: Path, content: bytes | npt.NDArray[np.float64], message: str
):
    path = tmp_path / "bad.wav"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        buffer = io.BytesIO()
        soundfile.write(buffer, content, RATE_HZ, format="WAV", subtype="FLOAT")
        path.write_bytes(buffer.getvalue())
    before = bytes_below(tmp_path)
    with pytest.raises(AudioError, match=message):
        recognizer.file(path)
    assert bytes_below(tmp_path) == before


def test_a_missing_file_is_said_to_be_missing(recognizer: Recognizer, tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        recognizer.file(tmp_path / "nowhere.wav")


def test_no_clip_is_an_error(recognizer: Recognizer):
    with pytest.raises(ValueError, match="there is no clip"):
        recognizer.clips(clip_samples([]))


def test_inference_needs_no_training_loop():
    source = Path(__file__).resolve().parents[1] / "src" / "instrumentarium" / "inference.py"
    from imports import reached

    names = {path.name for path in reached(source)}
    assert "recognition.py" in names
    assert not any("pytorch_lightning" in path.read_text(encoding="utf-8") for path in reached(source))
