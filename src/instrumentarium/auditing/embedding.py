"""One embedding of the trained model for every clip, from the two files of the score stage."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.runtime.errors import UserError


class EmbeddingsError(UserError, ValueError):
    """The embeddings at hand are not those of the clips at hand."""


def read_embeddings(clips: pd.DataFrame, split: pd.DataFrame, scored: Path, training: Path) -> npt.NDArray[np.float32]:
    """Return the embedding of each clip, (clips, embedding size), in the order of `clips`.

    Args:
        clips: column clip_id; those of the split.
        split: columns clip_id, split; of the same clips.
        scored: embeddings of the validation and test clips in the order of their ids, as .npy.
        training: those of the training clips, likewise.

    Raises:
        EmbeddingsError: if a file is missing, or has not one row for each of its clips.
    """
    place = dict(zip(split["clip_id"], split["split"], strict=True))
    in_training = (clips["clip_id"].map(place) == "train").to_numpy(dtype=np.bool_)
    parts = {
        path: (rows, _read(path, len(rows), kind))
        for path, rows, kind in (
            (scored, np.flatnonzero(~in_training), "validation and test"),
            (training, np.flatnonzero(in_training), "training"),
        )
    }
    sizes = {path: known.shape[1] for path, (_, known) in parts.items()}
    if sizes[scored] != sizes[training]:
        raise EmbeddingsError(
            f"{scored} holds embeddings of {sizes[scored]} values and {training} of {sizes[training]}, so they are of two "
            "models; run `dvc repro score`"
        )
    found = np.empty((len(clips), sizes[scored]), dtype=np.float32)
    for rows, known in parts.values():
        found[rows[np.argsort(clips["clip_id"].to_numpy()[rows], kind="stable")]] = known
    return found


def _read(path: Path, count: int, kind: str) -> npt.NDArray[np.float32]:
    if not path.exists():
        raise EmbeddingsError(f"{path} is missing; run `dvc repro score`")
    known = np.load(path, allow_pickle=False)
    if known.ndim != 2 or len(known) != count:
        raise EmbeddingsError(
            f"{path} has shape {known.shape}, and {count} {kind} clips need a row each; run `dvc repro score`"
        )
    return np.asarray(known)
