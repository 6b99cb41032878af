"""Exporting a model to ONNX, and holding the export to the model: over the test clips at hand, and over made sounds."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from instrumentarium.clips.collection import ClipSamples, clips_of, open_samples, read_clips
from instrumentarium.clips.levels import levels_db, window_weights
from instrumentarium.clips.pooling import iterate_windows, pool_windows
from instrumentarium.clips.windows import window_starts
from instrumentarium.predicting.modelsource import read_thresholds, thresholds_of
from instrumentarium.predicting.onnxfile import CARD, MADE_OF, OnnxRecognizer, add_metadata, fingerprint_of
from instrumentarium.predicting.onnxgraph import export_graph
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import atomic_path
from instrumentarium.runtime.progress import progress_bar
from instrumentarium.scoring.recognizer import BATCH_SIZE, Recognizer
from instrumentarium.tables.samplestore import FULL_SCALE
from instrumentarium.tables.schemas import SPLIT

TOLERANCE = 1e-4
"""The largest difference of a probability that is tolerated; a prediction this close to its threshold may flip."""
LENGTHS = (0.5, 1.0, 1.37, 3.0)
"""Of made sounds, in windows."""


class OnnxDisagreesError(UserError, RuntimeError):
    """The exported model has other scores than the model."""


@dataclass(frozen=True)
class Agreement:
    """How well an exported model agrees with the model it was made of."""

    clips: int  # of the test set; 0 where there is none at hand
    windows: int  # of those clips, and made ones
    largest_difference: float  # between two probabilities of a window
    flipped: int | None  # predictions of clips that differ, away from their thresholds; None without thresholds


def export_model(folder: Path, out: Path, test_set: ClipSamples | None) -> Agreement:
    """Write the model of `folder` as ONNX to `out`, if its scores are the same; return how well they agree.

    Args:
        folder: the model's.
        out: the file.
        test_set: clips to compare on, besides made sounds.

    Raises:
        MissingOnnxError: if the packages for ONNX are not installed.
        OnnxExportError: if the network has a part that ONNX has no word for.
        OnnxDisagreesError: if a probability differs by more than 1e-4, or a prediction flips.
        ModelFileError, MissingModelError: if there is no model in `folder`.
    """
    recognizer = Recognizer.load(folder, torch.device("cpu"))
    limits = thresholds_of(folder)
    thresholds = read_thresholds(limits, recognizer.card.taxonomy.codes)[0] if limits.exists() else None
    with atomic_path(out) as temporary:
        export_graph(recognizer.model, temporary, recognizer.window_samples)
        add_metadata(temporary, {CARD: recognizer.card.model_dump_json(), MADE_OF: fingerprint_of(folder)})
        found = compare(recognizer, OnnxRecognizer.load(folder, temporary), test_set, thresholds)
        if not found.largest_difference <= TOLERANCE or found.flipped:
            raise OnnxDisagreesError(
                f"the exported model differs from the model by up to {found.largest_difference:.2g} over {found.windows} "
                f"windows (allowed: {TOLERANCE:g}), and {found.flipped or 0} predictions flip; nothing was written"
            )
    return found


def find_test_set(folder: Path, collection: str) -> ClipSamples | None:
    """Return the test clips of the workspace that the model's `folder` lies in; None if they are not there."""
    data = folder.absolute().parent
    clips, split = data / "clips" / collection, data / "split.csv"
    corpora = sorted(path.parent for path in clips.glob("*/clips.csv"))
    if not corpora or not split.exists():
        return None
    return open_samples(clips_of(read_clips(corpora), SPLIT.read(split), "test"), corpora)


def compare(
    recognizer: Recognizer,
    exported: OnnxRecognizer,
    test_set: ClipSamples | None,
    thresholds: npt.NDArray[np.float64] | None,
) -> Agreement:
    """Return how well `exported` agrees with `recognizer`, window by window and clip by clip."""
    differences, windows = [], 0
    for made in made_windows(recognizer.window_samples):
        differences.append(_difference(_scores(recognizer, made), exported.windows(made)))
        windows += len(made)
    flipped = None if thresholds is None else 0
    if test_set is not None:
        length, hop = recognizer.window_samples, recognizer.hop_samples
        total = sum(len(window_starts(count, length, hop)) for count in test_set.n_samples)
        windows += total
        ours, theirs, owners, levels = [], [], [], []
        with progress_bar("compare", "windows", total=total) as bar:
            for batch, clips in iterate_windows(test_set, length, hop, BATCH_SIZE):
                ours.append(_scores(recognizer, batch))
                theirs.append(exported.windows(batch))
                owners.append(clips)
                levels.append(levels_db(batch))
                bar.update(len(batch))
        first, second, owner = np.concatenate(ours), np.concatenate(theirs), np.concatenate(owners)
        differences.append(_difference(first, second))
        if thresholds is not None:
            rules = recognizer.card.windows
            weights = window_weights(np.concatenate(levels), rules.quietest_db, owner)
            ours_clips, theirs_clips = (
                pool_windows(scores, rules.clip_score, weights, owner) for scores in (first, second)
            )
            flipped = flips(ours_clips, theirs_clips, thresholds)
    return Agreement(0 if test_set is None else len(test_set), windows, max(differences), flipped)


def flips(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], thresholds: npt.NDArray[np.float64]) -> int:
    """Return how many predictions of scores (clips, instruments) differ away from thresholds: by more than 1e-4."""
    differ = (first >= thresholds) != (second >= thresholds)
    return int((differ & (np.abs(first - thresholds) > TOLERANCE)).sum())


def made_windows(window_samples: int) -> Iterator[npt.NDArray[np.int16]]:
    """Yield sounds (batch, samples) int16 that test clips may lack: silence, noise, full scale, other lengths."""
    rng = np.random.default_rng(0)
    for share in LENGTHS:
        samples = round(share * window_samples)
        noise = rng.standard_normal(samples)
        tone = np.sin(np.arange(samples) * 0.05)
        sounds = [0 * tone, 1e-4 * noise, 0.2 * noise, tone, 0.3 * tone + 1e-3 * noise, np.sign(tone)]
        yield (np.stack(sounds) * FULL_SCALE).clip(-FULL_SCALE, FULL_SCALE).astype(np.int16)


def _scores(recognizer: Recognizer, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    return recognizer.windows(windows)[:, : len(recognizer.card.taxonomy)]


def _difference(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    return float(np.abs(first - second).max())
