"""One embedding of the trained model for every clip: those of the score stage, and those of the clips it leaves out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from instrumentarium.clips.collection import open_samples
from instrumentarium.clips.pooling import summarise_windows
from instrumentarium.clips.windows import window_starts
from instrumentarium.frontends.device import best_device
from instrumentarium.frontends.waveforms import to_waveforms
from instrumentarium.models.modelfile import load_model
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.progress import progress_bar

BATCH_SIZE = 32


class EmbeddingsError(UserError, ValueError):
    """The embeddings at hand are not those of the clips at hand."""


def embed_clips(clips: pd.DataFrame, corpora: Sequence[Path], model_folder: Path) -> npt.NDArray[np.float32]:
    """Return the embedding of each clip, (clips, embedding size): the mean over its windows, as the score stage has it.

    Args:
        clips: columns clip_id, corpus, first_sample, n_samples; at least one.
        corpora: folders of the ingested corpora.
        model_folder: of the trained model.
    """
    loaded, card = load_model(model_folder)
    device = best_device()
    model, samples = loaded.to(device).eval(), open_samples(clips, corpora)
    length, hop = (round(seconds * card.sample_rate_hz) for seconds in (card.windows.length_s, card.windows.hop_s))
    total = sum(len(window_starts(count, length, hop)) for count in samples.n_samples)
    with progress_bar("audit: embeddings", "windows", total=total) as bar, torch.inference_mode():

        def embed(windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
            bar.update(len(windows))
            features = model.frontend(to_waveforms(torch.from_numpy(windows).to(device)))
            return np.asarray(model.classify(model.normalise(features)).embedding.float().cpu())

        summary = summarise_windows(samples, length, hop, BATCH_SIZE, card.windows.quietest_db, embed)
    return summary.mean.astype(np.float32)


def embed_all(
    clips: pd.DataFrame, split: pd.DataFrame, corpora: Sequence[Path], model_folder: Path, scored: Path
) -> npt.NDArray[np.float32]:
    """Return the embedding of each clip, (clips, embedding size), in the order of `clips`.

    Args:
        clips: columns clip_id, corpus, first_sample, n_samples; those of the split.
        split: columns clip_id, split; of the same clips.
        corpora: folders of the ingested corpora.
        model_folder: of the trained model.
        scored: embeddings of the validation and test clips in the order of their ids, as .npy.

    Raises:
        EmbeddingsError: if `scored` is missing, or has not one row for each validation and test clip.
    """
    place = dict(zip(split["clip_id"], split["split"], strict=True))
    training = (clips["clip_id"].map(place) == "train").to_numpy(dtype=np.bool_)
    if not scored.exists():
        raise EmbeddingsError(f"{scored} is missing; run `dvc repro score`")
    known = np.load(scored, allow_pickle=False)
    order = np.argsort(clips["clip_id"][~training].to_numpy(), kind="stable")
    if known.ndim != 2 or len(known) != len(order):
        raise EmbeddingsError(
            f"{scored} has shape {known.shape}, and {len(order)} validation and test clips need a row each; "
            "run `dvc repro score`"
        )
    found = np.empty((len(clips), known.shape[1]), dtype=np.float32)
    found[np.flatnonzero(~training)[order]] = known
    if training.any():
        found[training] = embed_clips(clips[training].reset_index(drop=True), corpora, model_folder)
    return found
