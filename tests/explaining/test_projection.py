import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from instrumentarium.explaining.errors import BrokenEmbeddingsError, TooFewClipsError
from instrumentarium.explaining.projection import project


def clusters(clips: int = 60, size: int = 10) -> np.ndarray:
    """Return embeddings in three distant groups, in turns."""
    rng = np.random.default_rng(1)
    centres = 20 * rng.standard_normal((3, size))
    return (centres[np.arange(clips) % 3] + rng.standard_normal((clips, size))).astype(np.float32)


def test_components_are_those_of_the_singular_values():
    embeddings = clusters()
    found = project(embeddings, perplexity=10, most_points=1000, seed=1)
    centred = embeddings.astype(np.float64) - embeddings.mean(axis=0, dtype=np.float64)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(found.explained_variance, singular**2 / (singular**2).sum(), atol=1e-12)
    np.testing.assert_allclose(np.abs(found.pca), np.abs(left[:, :2] * singular[:2]), rtol=1e-6, atol=1e-6)
    assert found.explained_variance.sum() == pytest.approx(1)


def test_neighbours_stay_neighbours():
    found = project(clusters(), perplexity=10, most_points=1000, seed=1)
    for points in (found.pca, found.tsne):
        nearest = NearestNeighbors(n_neighbors=2).fit(points).kneighbors(points, return_distance=False)[:, 1]
        assert np.mean(nearest % 3 == np.arange(60) % 3) == 1


def test_the_same_seed_gives_the_same_points():
    first, second = (project(clusters(), perplexity=10, most_points=40, seed=7) for _ in range(2))
    assert np.array_equal(first.tsne, second.tsne)
    assert np.array_equal(first.pca, second.pca)
    assert np.array_equal(first.rows, second.rows)


def test_of_many_clips_some_are_drawn():
    found = project(clusters(), perplexity=10, most_points=40, seed=7)
    assert len(found.rows) == len(set(found.rows.tolist())) == len(found.pca) == len(found.tsne) == 40
    assert (np.diff(found.rows) > 0).all()
    whole = project(clusters(), perplexity=10, most_points=60, seed=7)
    np.testing.assert_array_equal(found.pca, whole.pca[found.rows])  # components are those of all clips
    assert not np.array_equal(found.rows, project(clusters(), perplexity=10, most_points=40, seed=8).rows)


def test_few_clips_lower_the_perplexity():
    assert project(clusters(7), perplexity=30, most_points=100, seed=1).perplexity == 2
    assert project(clusters(60), perplexity=10, most_points=100, seed=1).perplexity == 10


def test_four_clips_are_too_few():
    with pytest.raises(TooFewClipsError, match=r"embeddings of 4 clips cannot be projected, 5 are needed; put more"):
        project(clusters(4), perplexity=30, most_points=100, seed=1)


def test_equal_embeddings_lie_on_one_point():
    found = project(np.full((8, 3), 0.1, dtype=np.float32), perplexity=2, most_points=100, seed=1)
    assert not found.explained_variance.any()
    assert len({tuple(point) for point in found.tsne}) == 1
    assert found.kl_divergence == 0


def test_embeddings_of_a_diverged_training_are_refused():
    embeddings = clusters()
    embeddings[3, 1] = np.nan
    with pytest.raises(
        BrokenEmbeddingsError, match=r"of 1 of 60 clips are not finite, the first in row 3; .*learning_rate"
    ):
        project(embeddings, perplexity=10, most_points=100, seed=1)
