"""What classifiers that have not seen a clip's recording say of the clip, from embeddings, in a second or two.

For each fold and instrument two classifiers learn from the other folds' observed labels: kernel ridge regression with
LANDMARKS of them (Williams & Seeger, "Using the Nyström method to speed up kernel machines", NIPS 2000), and the NEAREST
neighbours. The first draws a smooth border, which single wrong labels hardly move; the second knows clips that are like no
others. Both are calibrated, averaged, and calibrated together. benchmarks/label_audit.py measures them against others.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrumentarium.auditing.calibration import calibrated, logit, sigmoid
from instrumentarium.clips.labels import BoolArray, FloatArray

LANDMARKS = 400
RIDGE = 1.0
NEAREST = 30
LOOKED_AT = 200
"""Of a clip's nearest neighbours; of these the NEAREST count whose label is known."""
SHARPNESS = 5.0
"""A neighbour weighs exp(SHARPNESS · cosine)."""
AT_ONCE = 1024
"""Clips whose similarities to all others are in memory at a time."""

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Known:
    """What the classifiers learn from, row by row.

    Attributes:
        embeddings: (clips, size).
        targets: (clips, instruments).
        observed: (clips, instruments).
        folds: (clips,), from 0; a recording lies in one.
        parts: (clips,), whence a clip is: its corpus and official split. Scores are calibrated for each apart, since a
            predominant instrument is easier to recognise than one of five in a mix.
        recordings: (clips,).
    """

    embeddings: FloatArray
    targets: BoolArray
    observed: BoolArray
    folds: Ints
    parts: Words
    recordings: Words


def out_of_fold_scores(known: Known, seed: int) -> FloatArray:
    """Return for each clip and instrument the probability that it plays, (clips, instruments), from the other folds.

    Args:
        known: clips with their labels.
        seed: of the landmarks.
    """
    ridge, nearest = np.zeros(known.targets.shape), np.zeros(known.targets.shape)
    for fold in np.unique(known.folds):
        held, learnt = known.folds == fold, known.folds != fold
        mean, deviation = known.embeddings[learnt].mean(axis=0), known.embeddings[learnt].std(axis=0)
        # of an embedding's dimensions some are dead: they never vary, and say nothing
        scaled = (known.embeddings - mean) / np.where(deviation > 0, deviation, np.inf)
        arrays = scaled[learnt], known.targets[learnt], known.observed[learnt]
        rng = np.random.default_rng([seed, int(fold)])
        ridge[held] = ridge_scores(scaled[held], *arrays, rng)
        nearest[held] = neighbour_shares(scaled[held], *arrays)
    both = [
        calibrated(values, known.targets, known.observed, known.parts)
        for values in (ridge, logit(nearest, margin=0.01))
    ]
    mean_logit = np.mean([logit(scores) for scores in both], axis=0)
    return calibrated(mean_logit, known.targets, known.observed, known.parts, among_others=True)


def ridge_scores(
    queries: FloatArray, references: FloatArray, targets: BoolArray, observed: BoolArray, rng: np.random.Generator
) -> FloatArray:
    """Return what kernel ridge regression of 1 for present and 0 for absent gives, (queries, instruments).

    Args:
        queries: (queries, size), standardised.
        references: (references, size), standardised.
        targets: (references, instruments).
        observed: (references, instruments); an instrument without an observed label gets 0 throughout.
        rng: draws the landmarks.
    """
    drawn = np.sort(rng.permutation(len(references))[:LANDMARKS])
    landmarks = references[drawn]
    values, vectors = np.linalg.eigh(_kernel(landmarks, landmarks))
    kept = values > 1e-6
    whiten = vectors[:, kept] / np.sqrt(values[kept])
    learnt, asked = _kernel(references, landmarks) @ whiten, _kernel(queries, landmarks) @ whiten
    scores = np.zeros((len(queries), targets.shape[1]))
    for column in range(targets.shape[1]):
        rows = observed[:, column]
        if rows.any():
            features, truth = learnt[rows], targets[rows, column].astype(np.float64)
            centre, share = features.mean(axis=0), truth.mean()
            centred = features - centre
            gram = centred.T @ centred + RIDGE * np.eye(centred.shape[1])
            scores[:, column] = share + (asked - centre) @ np.linalg.solve(gram, centred.T @ (truth - share))
    return scores


def _kernel(one: FloatArray, two: FloatArray) -> FloatArray:
    """Return the Gaussian kernel, (one, two), of width the root of the number of dimensions."""
    squares = np.square(one).sum(axis=1)[:, None] + np.square(two).sum(axis=1) - 2 * one @ two.T
    return np.asarray(np.exp(-np.maximum(squares, 0.0) / one.shape[1]))


def neighbour_shares(
    queries: FloatArray, references: FloatArray, targets: BoolArray, observed: BoolArray
) -> FloatArray:
    """Return the weighted share of the nearest neighbours with a known label that are present, (queries, instruments).

    Where no neighbour's label is known, it is the share of all references whose label is.

    Args:
        queries: (queries, size), standardised.
        references: (references, size), standardised.
        targets: (references, instruments).
        observed: (references, instruments).
    """
    overall = targets.sum(axis=0) / np.maximum(observed.sum(axis=0), 1)
    shares = np.empty((len(queries), targets.shape[1]))
    for start in range(0, len(queries), AT_ONCE):
        rows, similarities = nearest_rows(queries[start : start + AT_ONCE], references, LOOKED_AT)
        known = observed[rows]  # (queries, looked at, instruments)
        counted = known & (np.cumsum(known, axis=1) <= NEAREST)
        weights = counted * np.exp(SHARPNESS * similarities)[:, :, None]
        total = weights.sum(axis=1)
        present = (weights * targets[rows]).sum(axis=1)
        shares[start : start + AT_ONCE] = np.where(total > 0, present / np.where(total > 0, total, 1.0), overall)
    return shares


def nearest_rows(queries: FloatArray, references: FloatArray, count: int) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Return the nearest references of each query by cosine, the nearest first, and the cosines; (queries, count) both.

    There are fewer where there are fewer references. Of equally near ones the earlier comes first.
    """
    similarities = unit_length(queries) @ unit_length(references).T
    order = np.argsort(-similarities, axis=1, kind="stable")[:, :count]
    return order, np.take_along_axis(similarities, order, axis=1)


def unit_length(vectors: FloatArray) -> FloatArray:
    """Return vectors (vectors, size) scaled to length 1; one of zeros stays so."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0))


def recording_means(scores: FloatArray, known: Known) -> FloatArray:
    """Return scores (clips, instruments) in which clips of a recording with the same label share their mean logit.

    A recording is labelled as a whole more often than clip by clip, and what errs in one clip of it errs in the next.
    """
    logits, means = logit(scores), np.empty(scores.shape)
    _, recordings = np.unique(known.recordings, return_inverse=True)
    for column in range(scores.shape[1]):
        state = known.observed[:, column] * (1 + known.targets[:, column].astype(np.int64))
        _, group = np.unique(3 * recordings + state, return_inverse=True)
        means[:, column] = (np.bincount(group, logits[:, column]) / np.bincount(group))[group]
    return sigmoid(means)
