from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from model_fixtures import RAW, Parts, clip_samples, noise_clips, shifting_model, tiny_card

from instrumentarium.clips.windows import cut_window, window_starts
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.models.modelfile import MissingModelError, save_model
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.scoring.recognizer import Recognizer
from taxonomies import BAND3

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
            embeddings.append(model.predict(waveform).embedding[0].double().numpy())
    return np.mean(probabilities, axis=0), np.mean(embeddings, axis=0)


def test_a_clips_scores_are_the_models_averaged_over_windows(recognizer: Recognizer):
    clips = noise_clips([4000, 11000, 500, 8000])
    results = recognizer.clips(clip_samples(clips))
    assert results.scores.shape == (4, 11)
    assert results.embeddings.shape == (4, recognizer.model.head.embedding_size)
    assert results.embeddings.dtype == np.float32
    for clip, scores, embedding in zip(clips, results.scores, results.embeddings, strict=True):
        expected_scores, expected_embedding = by_hand(recognizer.model, clip)
        np.testing.assert_allclose(scores, expected_scores, atol=1e-5)
        np.testing.assert_allclose(embedding, expected_embedding, atol=1e-4, rtol=1e-4)


def test_embeddings_alone_are_those_beside_the_scores(recognizer: Recognizer):
    samples = clip_samples(noise_clips([4000, 11000, 500, 8000]))
    np.testing.assert_allclose(recognizer.embeddings(samples), recognizer.clips(samples).embeddings, atol=1e-5)


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


def test_a_saved_model_scores_as_it_did_before(recognizer: Recognizer, tmp_path: Path):
    save_model(tmp_path, recognizer.model.state_dict(), recognizer.card)
    samples = clip_samples(noise_clips([9000, 100]))
    loaded = Recognizer.load(tmp_path, CPU)
    np.testing.assert_array_equal(loaded.clips(samples).scores, recognizer.clips(samples).scores)
    with pytest.raises(MissingModelError):
        Recognizer.load(tmp_path / "elsewhere")


def test_windows_overlap_as_the_card_says(recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch):
    sizes = []
    score = recognizer.windows
    monkeypatch.setattr(recognizer, "windows", lambda windows: sizes.append(len(windows)) or score(windows))
    recognizer.clips(clip_samples(noise_clips([4000 + 40 * 2000 + 1])))
    assert sizes == [32, 10]


@pytest.mark.parametrize("parts", [RAW, Parts(taxonomy=BAND3)], ids=["waveform and attention", "three instruments"])
def test_any_model_scores_clips(parts: Parts):
    recognizer = Recognizer(parts.build(), parts.card(), CPU)
    results = recognizer.clips(clip_samples(noise_clips([4000, 9000])))
    assert results.scores.shape == (2, len(parts.taxonomy))
    assert ((results.scores > 0) & (results.scores < 1)).all()
    assert results.embeddings.shape == (2, recognizer.model.head.embedding_size)


def test_no_clip_is_an_error(recognizer: Recognizer):
    with pytest.raises(ValueError, match="there is no clip"):
        recognizer.clips(clip_samples([]))


def test_inference_needs_no_training_loop():
    source = Path(__file__).resolve().parents[2] / "src" / "instrumentarium" / "scoring" / "recognizer.py"
    from imports import reached

    names = {path.name for path in reached(source)}
    assert "recognition.py" in names
    assert not any("pytorch_lightning" in path.read_text(encoding="utf-8") for path in reached(source))
