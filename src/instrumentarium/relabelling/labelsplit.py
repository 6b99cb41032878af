"""A coarse label split into instruments: OpenMIC's guitar into acoustic and electric, by clips that tell them apart.

Teachers are clips of which all target instruments are known and one at least plays; the learners are the clips that the
corpus gives the coarse label. Both are embedded by a trained model. Two methods:

- `logistic`: logistic regression on the teachers for each instrument; then once more on teachers and those learners that
  the first was sure of (self-training: H. Scudder, "Probability of error of some adaptive pattern-recognition machines",
  IEEE Transactions on Information Theory 1965);
- `kmeans`: k-means over teachers and learners together, one cluster a set of instruments that teachers have, each begun at
  the mean of its teachers (S. Basu, A. Banerjee, R. Mooney, "Semi-supervised clustering by seeding", ICML 2002); a
  cluster's instruments are as probable as they are among its teachers.

Since the label says that one of the instruments plays, a clip in which none is probable is left unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from instrumentarium.clips.labels import BoolArray, FloatArray
from instrumentarium.runtime.errors import UserError
from instrumentarium.tables.overrides import Override

Method = Literal["logistic", "kmeans"]
PENALTY = 0.01
"""scikit-learn's C over standardised embeddings."""
SURE = 0.9
"""Probability of what a learner is taken to be, from which it teaches in the second round."""


class LabelSplitError(UserError, ValueError):
    """A label cannot be split with the clips at hand; the message says what is missing."""


@dataclass(frozen=True)
class LabelSplitScore:
    """How right a split is, over clips whose instruments are known.

    Attributes:
        clips: how many are known, each of one target instrument alone.
        accuracy: the share of them whose more probable instrument is the right one, decided or not.
        majority: the share that the most frequent instrument among the teachers would get right.
        decided: how many of them are not left unknown.
        decided_accuracy: the share of those that are right; None if there are none.
    """

    clips: int
    accuracy: float
    majority: float
    decided: int
    decided_accuracy: float | None


def split_label(
    learners: FloatArray, teachers: FloatArray, truth: BoolArray, targets: Sequence[str], method: Method, seed: int
) -> FloatArray:
    """Return the probability of each target instrument in each learner, (learners, targets).

    Args:
        learners: (learners, size), embeddings.
        teachers: (teachers, size), embeddings.
        truth: (teachers, targets), what plays in them.
        targets: codes of the instruments.
        method: which of the two.
        seed: of k-means.

    Raises:
        LabelSplitError: if a target instrument plays in all teachers or in none, or there is no learner.
    """
    if len(targets) < 2:
        raise LabelSplitError(f"a label is split into two instruments or more; found {', '.join(targets) or 'none'}")
    if not len(learners):
        raise LabelSplitError("no clip has the label, so there is nothing to split")
    for column, code in enumerate(targets):
        playing = int(truth[:, column].sum())
        if playing in (0, len(truth)):
            raise LabelSplitError(
                f"{code} plays in {playing} of {len(truth)} clips that could teach it; both kinds are needed"
            )
    both = np.concatenate([teachers, learners]).astype(np.float64)
    deviation = both.std(axis=0)
    scaled = (both - both.mean(axis=0)) / np.where(deviation > 0, deviation, np.inf)
    known, asked = scaled[: len(teachers)], scaled[len(teachers) :]
    return _logistic(known, truth, asked) if method == "logistic" else _kmeans(known, truth, asked, seed)


def _logistic(known: FloatArray, truth: BoolArray, asked: FloatArray) -> FloatArray:
    from sklearn.linear_model import LogisticRegression

    def learn(inputs: FloatArray, targets: BoolArray) -> FloatArray:
        columns = [
            LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=1000)
            .fit(inputs, targets[:, column])
            .predict_proba(asked)[:, 1]
            for column in range(truth.shape[1])
        ]
        return np.stack(columns, axis=1)

    first = learn(known, truth)
    sure = (np.maximum(first, 1 - first) >= SURE).all(axis=1) & (first >= SURE).any(axis=1)
    if not sure.any():
        return first
    return learn(np.concatenate([known, asked[sure]]), np.concatenate([truth, first[sure] >= 0.5]))


def _kmeans(known: FloatArray, truth: BoolArray, asked: FloatArray, seed: int) -> FloatArray:
    from sklearn.cluster import KMeans

    sets, set_of = np.unique(truth, axis=0, return_inverse=True)
    starts = np.stack([known[set_of == place].mean(axis=0) for place in range(len(sets))])
    found = KMeans(n_clusters=len(sets), init=starts, n_init=1, random_state=seed % 2**32)
    clusters = found.fit_predict(np.concatenate([known, asked]))
    taught, others = clusters[: len(known)], clusters[len(known) :]
    overall = truth.mean(axis=0)
    shares = np.stack(
        [truth[taught == place].mean(axis=0) if (taught == place).any() else overall for place in range(len(sets))]
    )
    return np.asarray(shares[others])


def as_overrides(
    clip_ids: Sequence[str], probabilities: FloatArray, targets: Sequence[str], confidence: float, source: str
) -> list[Override]:
    """Return an override for each clip and target: its probability as relevance, None where that is not sure enough.

    Args:
        clip_ids: (clips,).
        probabilities: (clips, targets).
        targets: codes of the instruments.
        confidence: the least probability of present, or of absent, that is kept.
        source: what the overrides say they come from.
    """
    found = []
    for clip_id, row in zip(clip_ids, decided(probabilities, confidence), strict=True):
        for code, value in zip(targets, row.tolist(), strict=True):
            relevance = None if np.isnan(value) else round(value, 4)
            found.append(Override(clip_id, code, relevance, source))
    return found


def decided(probabilities: FloatArray, confidence: float) -> FloatArray:
    """Return probabilities with NaN where neither presence nor absence is that sure, or nothing of the clip is present."""
    sure = np.maximum(probabilities, 1 - probabilities) >= confidence
    none = np.asarray(~(sure & (probabilities > 0.5)).any(axis=1))
    return np.where(sure & ~none[:, None], probabilities, np.nan)


def score_split(
    clip_ids: Sequence[str],
    probabilities: FloatArray,
    taught: BoolArray,
    targets: Sequence[str],
    confidence: float,
    plays: Mapping[str, frozenset[str]],
) -> LabelSplitScore | None:
    """Return how right a split is; None if the truth knows no clip with one target instrument alone.

    Args:
        clip_ids: (clips,).
        probabilities: (clips, targets).
        taught: (teachers, targets), what plays in the teachers.
        targets: codes of the instruments.
        confidence: as for `as_overrides`.
        plays: what truly plays in a clip.
    """
    right: list[tuple[int, int]] = []
    for row, clip_id in enumerate(clip_ids):
        playing = [column for column, code in enumerate(targets) if code in plays.get(clip_id, frozenset())]
        if len(playing) == 1:
            right.append((row, playing[0]))
    if not right:
        return None
    rows, truth = (np.array(part, dtype=np.int64) for part in zip(*right, strict=True))
    kept = decided(probabilities, confidence)[rows]
    named: npt.NDArray[np.bool_] = np.asarray((np.nan_to_num(kept, nan=0.0) > 0.5).any(axis=1))
    correct = probabilities[rows].argmax(axis=1) == truth
    return LabelSplitScore(
        clips=len(rows),
        accuracy=float(correct.mean()),
        majority=float((truth == taught.sum(axis=0).argmax()).mean()),
        decided=int(named.sum()),
        decided_accuracy=float(correct[named].mean()) if named.any() else None,
    )
