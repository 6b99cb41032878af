"""Probabilities from scores of any scale: Platt's logistic regression, for each part of the clips.

J. Platt: Probabilistic outputs for support vector machines, in Advances in Large Margin Classifiers, 1999.
"""

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from instrumentarium.clips.labels import BoolArray, FloatArray

ENOUGH = 20
"""Present and absent pairs that a part must have for a calibration of its own; with fewer it takes that of all."""
WEAK = 100.0
"""scikit-learn's C: a penalty that matters only where the labels are separated without error."""


def calibrated(
    values: FloatArray,
    targets: BoolArray,
    observed: BoolArray,
    parts: npt.NDArray[np.str_],
    *,
    among_others: bool = False,
) -> FloatArray:
    """Return probabilities (clips, instruments) that grow with `values`, fitted to the observed labels.

    Args:
        values: (clips, instruments), of any scale, the same for all instruments.
        targets: (clips, instruments).
        observed: (clips, instruments).
        parts: (clips,), which clips are calibrated together.
        among_others: whether a third parameter weighs the lead over the clip's strongest other instrument: where clips are
            labelled with one predominant instrument, the second strongest is probably not it.
    """
    scale = float(values[observed].std()) if observed.any() else 0.0
    scaled = values / scale if scale > 0 else values
    inputs = scaled[:, :, None]  # (clips, instruments, inputs)
    if among_others and values.shape[1] > 1:
        inputs = np.concatenate([inputs, lead(scaled)[:, :, None]], axis=2)
    found = _fitted(inputs, targets, observed, least=1)
    if found is None:  # every label says the same
        return np.full(values.shape, float(targets[observed].mean()) if observed.any() else 0.5)
    for part in np.unique(parts):
        rows = parts == part
        own = _fitted(inputs[rows], targets[rows], observed[rows], least=ENOUGH)
        if own is not None:
            found[rows] = own
    return found


def lead(values: FloatArray) -> FloatArray:
    """Return how far each value, (clips, instruments), is above the highest other one of its clip; below 0 if it is not."""
    ordered = np.sort(values, axis=1)
    highest, second = ordered[:, -1:], ordered[:, -2:-1]
    return values - np.where(values == highest, second, highest)


def _fitted(inputs: FloatArray, targets: BoolArray, observed: BoolArray, least: int) -> FloatArray | None:
    """Return the probability of each pair, or None with fewer than `least` present or absent ones."""
    truth = targets[observed]
    if min(truth.sum(), (~truth).sum()) < least:
        return None
    model = LogisticRegression(C=WEAK).fit(inputs[observed], truth)
    flat = inputs.reshape(-1, inputs.shape[2])
    return np.asarray(model.predict_proba(flat)[:, 1].reshape(targets.shape))


def logit(probabilities: FloatArray, margin: float = 1e-5) -> FloatArray:
    """Return log odds of probabilities held away from 0 and 1 by `margin`."""
    held = np.clip(probabilities, margin, 1 - margin)
    return np.asarray(np.log(held / (1 - held)))


def sigmoid(logits: FloatArray) -> FloatArray:
    """Return the probabilities of log odds."""
    return np.asarray(1 / (1 + np.exp(-logits)))
