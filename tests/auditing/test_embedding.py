"""Every clip's embedding, from the two files of the score stage."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from instrumentarium.auditing.embedding import EmbeddingsError, read_embeddings

IDS = [f"irmas/{name}" for name in "abcdef"]
SPLIT = pd.DataFrame({"clip_id": IDS, "split": ["train", "train", "test", "train", "validation", "train"]})
EVERY = np.arange(12, dtype=np.float32).reshape(6, 2)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The embeddings of the third and the fifth clip, and those of the others."""
    scored, training = tmp_path / "scored.npy", tmp_path / "training.npy"
    np.save(scored, EVERY[[2, 4]])
    np.save(training, EVERY[[0, 1, 3, 5]])
    return scored, training


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [4, 0, 2, 1, 5, 3]])
def test_each_clip_has_its_own_whatever_their_order(files: tuple[Path, Path], order: list[int]) -> None:
    clips = pd.DataFrame({"clip_id": [IDS[place] for place in order]})
    np.testing.assert_array_equal(read_embeddings(clips, SPLIT, *files), EVERY[order])


def test_embeddings_of_other_clips_are_refused(files: tuple[Path, Path]) -> None:
    clips, (scored, training) = SPLIT[["clip_id"]], files
    np.save(training, np.zeros((4, 3), np.float32))
    with pytest.raises(EmbeddingsError, match=r"embeddings of 2 values and .* of 3, so they are of two models"):
        read_embeddings(clips, SPLIT, *files)
    np.save(training, np.zeros((3, 2), np.float32))
    with pytest.raises(EmbeddingsError, match=r"has shape \(3, 2\), and 4 training clips need a row each"):
        read_embeddings(clips, SPLIT, *files)
    scored.unlink()
    with pytest.raises(EmbeddingsError, match="is missing; run `dvc repro score`"):
        read_embeddings(clips, SPLIT, *files)
