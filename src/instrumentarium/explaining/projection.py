"""Embeddings in two dimensions: principal components, which keep distances, and t-SNE, which keeps neighbours.

t-SNE (van der Maaten and Hinton, JMLR 2008) shows which clips are close; sizes of clusters and distances between them mean
nothing (Wattenberg et al., Distill 2016). Both are scikit-learn's, on one thread, so that they repeat to the bit.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from instrumentarium.explaining.errors import BrokenEmbeddingsError, TooFewClipsError
from instrumentarium.runtime.seeds import derive_seed

FloatArray = npt.NDArray[np.float64]

FEWEST = 5


@dataclass(frozen=True)
class Projection:
    """Embeddings in two dimensions.

    Attributes:
        rows: (points,), the clips that are drawn, rising.
        pca: (points, 2), their first two principal components.
        tsne: (points, 2).
        explained_variance: (components,), each principal component's share of the variance of all clips, falling.
        perplexity: of t-SNE, as used.
        kl_divergence: what t-SNE could not bring into two dimensions.
    """

    rows: npt.NDArray[np.int_]
    pca: FloatArray
    tsne: FloatArray
    explained_variance: FloatArray
    perplexity: float
    kl_divergence: float


def project(embeddings: npt.NDArray[np.float32], *, perplexity: float, most_points: int, seed: int) -> Projection:
    """Project `embeddings`, (clips, size): components by all clips, t-SNE of those drawn.

    The perplexity is at most a third of the points less one, as is usual, so that few clips can be drawn too. Embeddings
    that are all equal lie on one point.

    Raises:
        TooFewClipsError: if there are fewer than five clips.
        BrokenEmbeddingsError: if a number is not finite.
    """
    from sklearn.decomposition import PCA

    clips = len(embeddings)
    if clips < FEWEST:
        raise TooFewClipsError(
            f"embeddings of {clips} clips cannot be projected, {FEWEST} are needed; "
            "put more clips into validation and test (`split` in params.yaml)"
        )
    broken = ~np.isfinite(embeddings).all(axis=1)
    if broken.any():
        raise BrokenEmbeddingsError(
            f"embeddings of {int(broken.sum())} of {clips} clips are not finite, the first in row {int(broken.argmax())}; "
            "the training diverged: lower the recipe's learning_rate in params.yaml, then run `dvc repro`"
        )
    rows = np.arange(clips)
    if clips > most_points:
        draw = np.random.default_rng(derive_seed(seed, "explain-points"))
        rows = np.sort(draw.choice(clips, size=most_points, replace=False))
    values = embeddings.astype(np.float64)
    usable = min(perplexity, (len(rows) - 1) / 3)
    with threadpool_limits(limits=1), np.errstate(invalid="ignore"):  # shares of no variance: 0 by 0
        pca = PCA(svd_solver="full")
        components = pca.fit_transform(values)  # (clips, min(clips, size))
        neighbours, divergence = _t_sne(values[rows], usable, derive_seed(seed, "explain-tsne") % 2**32)
    return Projection(
        rows=rows,
        pca=components[rows, :2],
        tsne=neighbours,
        explained_variance=np.nan_to_num(pca.explained_variance_ratio_),
        perplexity=usable,
        kl_divergence=divergence,
    )


def _t_sne(values: FloatArray, perplexity: float, seed: int) -> tuple[FloatArray, float]:
    """Return the points, (clips, 2), and the divergence that is left."""
    from sklearn.manifold import TSNE

    if not np.ptp(values, axis=0).any():  # scikit-learn would divide by their deviation, and crash on what comes of it
        return np.zeros((len(values), 2)), 0.0
    tsne = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed, n_jobs=1)
    points = tsne.fit_transform(values).astype(np.float64)
    return points, float(tsne.kl_divergence_)
