"""Embeddings of recordings: the mean over their windows, as the score stage computes them of clips."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.levels import window_weights
from instrumentarium.clips.pooling import pool_windows
from instrumentarium.decoding.pcm import AudioError
from instrumentarium.decoding.stream import SampleStream
from instrumentarium.predicting.batching import Streams2Scores
from instrumentarium.predicting.ladder import WindowModel
from instrumentarium.predicting.windowscores import Windowing, WindowScores
from instrumentarium.runtime.errors import UserError


class NoEmbeddingError(UserError, ValueError):
    """A model that returns probabilities only."""


def embed_streams(
    model: WindowModel, streams: Iterable[SampleStream], names: Sequence[str], windowing: Windowing, workers: int = 1
) -> npt.NDArray[np.float32]:
    """Return the embeddings of recordings, (recordings, size).

    Args:
        model: whose results hold embeddings behind the probabilities.
        streams: of the recordings.
        names: theirs, for the text of an error.
        windowing: how recordings are cut.
        workers: how many batches are scored at a time.

    Raises:
        NoEmbeddingError: if the model's results hold none.
        AudioError: if a recording cannot be used.
    """
    instruments = len(model.card.taxonomy)
    size = model.windows(np.zeros((1, windowing.length_samples), np.int16)).shape[1] - instruments
    if size < 1:
        raise NoEmbeddingError("an exported ONNX file has no embeddings; load the model with the backend torch")
    rows = [np.zeros((0, size), np.float32)]
    for name, found in zip(names, Streams2Scores(model.windows, windowing, workers)(streams), strict=True):
        if not isinstance(found, WindowScores):
            reason = found.strerror if isinstance(found, OSError) and found.strerror else found
            raise AudioError(f"{name}: {reason}") from found
        weights = window_weights(found.levels, found.quietest_db)
        rows.append(pool_windows(found.scores[:, instruments:], "mean", weights)[None].astype(np.float32))
    return np.concatenate(rows)
