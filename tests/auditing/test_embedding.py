"""Every clip's embedding: those of the score stage where they are, and the same from the model elsewhere."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from model_fixtures import noise_clips, tiny_card, tiny_model

from instrumentarium.auditing.embedding import EmbeddingsError, embed_all, embed_clips
from instrumentarium.clips.collection import corpus_folders, open_samples
from instrumentarium.models.modelfile import save_model
from instrumentarium.scoring.recognizer import Recognizer
from instrumentarium.tables.samplestore import SampleWriter


@pytest.fixture
def world(tmp_path: Path) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    """A model, and six clips of which the third and the fifth are scored."""
    save_model(tmp_path / "model", tiny_model().state_dict(), tiny_card())
    corpus = tmp_path / "clips" / "irmas"
    corpus.mkdir(parents=True)
    with SampleWriter(corpus / "samples") as writer:
        samples = noise_clips([4000, 9000, 4000, 8000, 7000, 4000])
        first = [writer.append(clip) for clip in samples]
    ids = [f"irmas/{name}" for name in "abcdef"]
    clips = pd.DataFrame(
        {"clip_id": ids, "corpus": "irmas", "first_sample": first, "n_samples": [len(clip) for clip in samples]}
    )
    split = pd.DataFrame({"clip_id": ids, "split": ["train", "train", "test", "train", "validation", "train"]})
    return tmp_path, clips, split


def test_embeddings_are_those_of_the_score_stage(world: tuple[Path, pd.DataFrame, pd.DataFrame]) -> None:
    root, clips, split = world
    corpora = corpus_folders(root / "clips")
    expected = Recognizer.load(root / "model").clips(open_samples(clips, corpora)).embeddings
    np.testing.assert_allclose(embed_clips(clips, corpora, root / "model"), expected, atol=1e-5)
    np.save(root / "scored.npy", expected[[2, 4]])
    found = embed_all(clips, split, corpora, root / "model", root / "scored.npy")
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(found[[2, 4]], expected[[2, 4]])
    shuffled = clips.iloc[[4, 0, 2, 1, 5, 3]].reset_index(drop=True)
    np.testing.assert_allclose(
        embed_all(shuffled, split, corpora, root / "model", root / "scored.npy"),
        expected[[4, 0, 2, 1, 5, 3]],
        atol=1e-5,
    )


def test_embeddings_of_other_clips_are_refused(world: tuple[Path, pd.DataFrame, pd.DataFrame]) -> None:
    root, clips, split = world
    corpora = corpus_folders(root / "clips")
    with pytest.raises(EmbeddingsError, match="is missing; run `dvc repro score`"):
        embed_all(clips, split, corpora, root / "model", root / "scored.npy")
    np.save(root / "scored.npy", np.zeros((3, 4), np.float32))
    with pytest.raises(EmbeddingsError, match=r"has shape \(3, 4\), and 2 validation and test clips need a row each"):
        embed_all(clips, split, corpora, root / "model", root / "scored.npy")
