"""Systems without an input: the scores one gets without a model, to be evaluated like any other system's.

- *all_zeros*, *all_ones*: nothing plays, everything plays; every score is 0 or 1.
- *label_prior*: each instrument's score is its share of the observed clips elsewhere: for test those of validation, for
  validation (and for test where there is no validation) the other folds of its recordings.
- *random*: scores drawn evenly from [0, 1).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from instrumentarium.clips.labels import FloatArray
from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation.choosing import FOLDS, folds_of
from instrumentarium.runtime.seeds import derive_seed

HALVES = 2


def prevalence(clips: ScoredClips) -> FloatArray:
    """Return the share of observed clips in which each instrument plays, (instruments,); 0 where none is observed."""
    seen = clips.observed.sum(axis=0)
    return np.asarray((clips.targets & clips.observed).sum(axis=0) / np.maximum(seen, 1))


def cross_fitted_prevalence(clips: ScoredClips, folds: int) -> FloatArray:
    """Return for each clip the prevalence among the clips of the other folds, (clips, instruments).

    Raises:
        EvaluationError: if there is but one recording.
    """
    fold = folds_of(clips.recordings, folds)
    prior = np.zeros(clips.targets.shape)
    for held_out in np.unique(fold):
        prior[fold == held_out] = prevalence(clips.where(fold != held_out))
    return prior


def trivial_system(
    name: str, test: ScoredClips, validation: ScoredClips | None, seed: int
) -> tuple[ScoredClips, ScoredClips | None]:
    """Return the clips of test and validation with the scores of a system of `TRIVIAL_SYSTEMS`.

    Args:
        name: of the system.
        test: the clips of test, with any scores.
        validation: the clips of validation; None if there are none.
        seed: of the random scores; those of test and validation are independent.

    Raises:
        EvaluationError: if there is but one recording.
    """
    scores = TRIVIAL_SYSTEMS[name]
    of_test = replace(test, scores=scores(test, validation, seed, "test"))
    if validation is None:
        return of_test, None
    return of_test, replace(validation, scores=scores(validation, None, seed, "validation"))


def _zeros(clips: ScoredClips, _elsewhere: ScoredClips | None, _seed: int, _name: str) -> FloatArray:
    return np.zeros(clips.scores.shape)


def _ones(clips: ScoredClips, _elsewhere: ScoredClips | None, _seed: int, _name: str) -> FloatArray:
    return np.ones(clips.scores.shape)


def _label_prior(clips: ScoredClips, elsewhere: ScoredClips | None, _seed: int, name: str) -> FloatArray:
    if elsewhere is None:
        return cross_fitted_prevalence(clips, FOLDS if name == "validation" else HALVES)
    return np.broadcast_to(prevalence(elsewhere), clips.scores.shape).copy()


def _random(clips: ScoredClips, _elsewhere: ScoredClips | None, seed: int, name: str) -> FloatArray:
    return np.random.default_rng(derive_seed(seed, f"random system {name}")).random(clips.scores.shape)


TRIVIAL_SYSTEMS: dict[str, Callable[[ScoredClips, ScoredClips | None, int, str], FloatArray]] = {
    "all_zeros": _zeros,
    "all_ones": _ones,
    "label_prior": _label_prior,
    "random": _random,
}
"""Name to what makes the scores of some clips, (clips, instruments), from labels elsewhere."""
