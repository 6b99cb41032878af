"""Embeddings of a trained model as a step of a scikit-learn pipeline."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin

from instrumentarium.api.model import Model, load


class Embedder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Recordings → embeddings, for classifiers of your own instruments.

        make_pipeline(Embedder("data/model"), StandardScaler(), LogisticRegression()).fit(paths, labels)

    Nothing is learned: `fit` loads the model.

    Args:
        model: what `instrumentarium.load` takes, or a model that it returned, which pipelines then share; None: as there.
        sample_rate: of waveforms, in Hz; files have their own.
    """

    def __init__(self, model: str | Path | Model | None = None, sample_rate: int | None = None) -> None:
        self.model, self.sample_rate = model, sample_rate

    def fit(self, X: object = None, y: object = None) -> "Embedder":  # noqa: N803 - scikit-learn's names
        """Load the model; recordings and labels are left alone."""
        self.model_ = self.model if isinstance(self.model, Model) else load(self.model)
        return self

    def transform(self, X: Sequence[str | Path | npt.ArrayLike]) -> npt.NDArray[np.float32]:  # noqa: N803
        """Return the embeddings of paths or waveforms, (recordings, size), as `Model.embed` does.

        Raises:
            AudioError: if one cannot be used; the message says which.
        """
        if not hasattr(self, "model_"):
            self.fit()
        return self.model_.embed(X, self.sample_rate)

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[np.object_]:
        """Return a name for each column: embedding0, embedding1 and so on."""
        size = self.transform([]).shape[1]
        return np.array([f"embedding{column}" for column in range(size)], dtype=object)
