"""The official IRMAS test set as a whole, whichever splits its songs are in: for tables like the published ones."""

import numpy as np

from instrumentarium.clips.labels import BoolArray
from instrumentarium.clips.scored import ScoredClips, concatenate
from instrumentarium.evaluation.bootstrap import draw_weights
from instrumentarium.evaluation.choosing import cross_fitted_predictions
from instrumentarium.evaluation.headline import Values, headline
from instrumentarium.evaluation.split_metrics import interval, oracle, resample
from instrumentarium.evaluation.thresholds import Rule


def official_irmas_test(validation: ScoredClips, test: ScoredClips, rule: Rule, resamples: int, seed: int) -> Values:
    """Return the headline of all scored clips of the official IRMAS test set, of both splits, for published tables.

    The songs are parted into halves, and the thresholds for each come from the other. The model's best epoch was chosen
    by the validation clips among them, which flatters it a little; `test` is free of that. A clip of IRMAS's training set
    that shares a recording with test clips is in their split, but is none of the official test set; test songs that
    `split.irmas_test_songs` gave to training are not scored.
    """
    both = concatenate([each.where(_of_official_irmas_test(each)) for each in (validation, test)])
    recordings = len(set(both.recordings.tolist()))
    if recordings < 2 or not (both.targets & both.observed).any():
        return {"clips": len(both), "recordings": recordings}
    truth = both.targets, both.scores, both.observed, both.recordings
    predictions = cross_fitted_predictions(*truth, folds=2)[rule]
    weights = draw_weights(both.recordings, resamples, seed)
    return {
        **headline(both, predictions),
        "interval": {"resamples": resamples, **interval(resample(both, predictions, weights))},
        "thresholds_from": "the other half of the songs",
        "oracle": oracle(both),
    }


def _of_official_irmas_test(split: ScoredClips) -> BoolArray:
    return np.asarray((split.corpora == "irmas") & (split.official_splits == "test"))
