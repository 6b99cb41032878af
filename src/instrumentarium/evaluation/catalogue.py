"""The table of metrics: what each is called, which way is better, over what it averages. Every list of metrics is from it.

The keys are those of data/evaluation.json. A metric of one instrument ("f1") has the mean over instruments ("f1_macro") as
its `macro`. The functions that compute them: `metrics`, `ranking` and `calibration`.
"""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower"]
"""Which values are better."""
Averaging = Literal["instruments", "pairs", "clips", "none"]
"""Over what a metric is a mean: instruments (macro), all observed pairs pooled (micro), clips (samples); or one alone."""


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        key: its name in files.
        label: its name for people.
        direction: which values are better.
        averaging: over what it is a mean; "none" for a metric of a single instrument.
        what: one line of what it is.
        declared: whether `dvc metrics` shows it.
        brief: whether it stands in short tables, one row a part or a system.
        macro: of a metric of one instrument, the key of its mean over instruments.
        counted: whether it counts instruments, and so does not lie in 0 to 1.
    """

    key: str
    label: str
    direction: Direction
    averaging: Averaging
    what: str
    declared: bool = False
    brief: bool = False
    macro: str | None = None
    counted: bool = False

    @property
    def title(self) -> str:
        """The label, with a word where less is better."""
        return self.label if self.direction == "higher" else f"{self.label} (lower is better)"


METRICS: tuple[Metric, ...] = (
    Metric(
        *("f1_macro", "macro F1", "higher", "instruments"),
        "F1 over the instruments with positives, each counting the same",
        declared=True,
        brief=True,
    ),
    Metric(
        *("f1_micro", "micro F1", "higher", "pairs"),
        "F1 of all observed pairs of clip and instrument pooled",
        declared=True,
        brief=True,
    ),
    Metric(
        *("f1_samples", "samples F1", "higher", "clips"),
        "F1 of each clip in which something plays",
    ),
    Metric(
        *("map_macro", "class mAP", "higher", "instruments"),
        "average precision: how well clips with an instrument rank above those without; no thresholds",
        declared=True,
        brief=True,
    ),
    Metric(
        *("auroc_macro", "macro AUROC", "higher", "instruments"),
        "the chance that a clip with the instrument scores above one without; no thresholds",
        declared=True,
    ),
    Metric(
        *("lrap", "LRAP", "higher", "clips"),
        "label ranking average precision: how well a clip's instruments rank above the others; no thresholds",
        declared=True,
        brief=True,
    ),
    Metric(
        *("hamming", "Hamming", "higher", "pairs"),
        "share of observed pairs that are right; read it beside that of all zeros",
        brief=True,
    ),
    Metric(
        *("hamming_all_zeros", "Hamming, all zeros", "higher", "pairs"),
        "the Hamming score of predicting nothing",
        brief=True,
    ),
    Metric(
        *("exact_match", "exact match", "higher", "clips"),
        "share of clips that are right in every observed pair",
        brief=True,
    ),
    Metric(
        *("coverage_error", "coverage error", "lower", "clips"),
        "how many of a clip's top-ranked instruments one must take to cover all that play",
        counted=True,
    ),
    Metric(
        *("brier", "Brier", "lower", "pairs"),
        "mean squared error of the scores",
    ),
    Metric(
        *("ece_mean", "mean ECE", "lower", "instruments"),
        "expected calibration error: the gap between a score and how often it is right",
    ),
    Metric(
        *("false_instrument_rate", "false instrument rate", "lower", "clips"),
        "share of the clips known to hold no instrument for which one is predicted",
        declared=True,
    ),
)
"""Of all clips of a split together, in the order in which they are shown."""

PER_INSTRUMENT: tuple[Metric, ...] = (
    Metric("f1", "F1", "higher", "none", "F1 of one instrument; undefined without positives", macro="f1_macro"),
    Metric("precision", "precision", "higher", "none", "share of the predictions that are right"),
    Metric("recall", "recall", "higher", "none", "share of the positives that are found"),
    Metric("ap", "AP", "higher", "none", "average precision; undefined without positives", macro="map_macro"),
    Metric(
        *("auroc", "AUROC", "higher", "none", "area under the ROC curve; undefined without positives or negatives"),
        macro="auroc_macro",
    ),
)
"""Of each instrument, in the order in which they are shown."""

_BY_KEY = {metric.key: metric for metric in (*METRICS, *PER_INSTRUMENT)}
LABELS: dict[str, str] = {key: metric.label for key, metric in _BY_KEY.items()}
"""Key to the name for people."""
KEYS = tuple(metric.key for metric in METRICS)
DECLARED = tuple(metric.key for metric in METRICS if metric.declared)
"""What `dvc metrics` shows of test."""
SELECTED_BY = "map_macro"
"""The metric of validation, by which experiments are selected, that it shows besides."""
BRIEF = tuple(metric.key for metric in METRICS if metric.brief)
LOWER_IS_BETTER = frozenset(key for key, metric in _BY_KEY.items() if metric.direction == "lower")
COUNTED = frozenset(metric.key for metric in METRICS if metric.counted)
LEADING = METRICS[0].key
"""The metric by which a comparison is answered."""
MACRO = {metric.key: metric.macro for metric in PER_INSTRUMENT if metric.macro}
"""Metric of an instrument to that of its mean, of those that are drawn and compared."""
IN_INSTRUMENTS_FILE = ("f1", "ap")
"""What metrics/instruments.json holds of each instrument."""


def metric(key: str) -> Metric:
    """Return the metric of this key.

    Raises:
        KeyError: if there is none.
    """
    return _BY_KEY[key]
