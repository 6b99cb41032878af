"""What an evaluation of systems found, and the contents of the files that it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from instrumentarium.evaluation import catalogue
from instrumentarium.evaluation.curves import Row
from instrumentarium.evaluation.headline import Values
from instrumentarium.evaluation.thresholds import Thresholds

DECIMALS = 4
"""Of what `dvc metrics` shows."""
OF_A_SYSTEM = (*catalogue.KEYS, "clips", "recordings", "interval", "rule", "thresholds_from")
"""What is listed of each system and split."""


@dataclass(frozen=True)
class SystemResult:
    """The headline of a system.

    Attributes:
        splits: split to the values of OF_A_SYSTEM.
        thresholds: chosen on its validation scores.
        difference: metric to how it differs on test from the main system's: this one's less the main one's, as
            `difference`, the ends of the 95 % interval, `low` and `high`, and `p`; None of the main system itself.
    """

    splits: Mapping[str, Values]
    thresholds: Thresholds
    difference: Values | None = None


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        main: the name of the main system.
        metrics: split to the main system's values; None where one is undefined.
        systems: the name of every system, the main one first, to its headline.
        plots: plot name (of plots/evaluate/<name>.json) to rows, of the main system.
        table: the content of data/metrics.csv, of the main system.
    """

    main: str
    metrics: Mapping[str, Values]
    systems: Mapping[str, SystemResult]
    plots: Mapping[str, list[Row]]
    table: pd.DataFrame

    @property
    def thresholds(self) -> Thresholds:
        """The content of data/thresholds.json, of the main system."""
        return self.systems[self.main].thresholds

    def declared(self) -> dict[str, float | None]:
        """Return what metrics/evaluate.json holds: little enough for `dvc metrics` and `dvc exp show` to be readable."""
        test, validation = self.metrics["test"], self.metrics.get("validation", {})
        selected = f"validation_{catalogue.SELECTED_BY}"
        return {
            **{key: _short(test[key]) for key in catalogue.DECLARED},
            selected: _short(validation.get(catalogue.SELECTED_BY)),
        }

    def instruments(self) -> dict[str, dict[str, float | None]]:
        """Return what metrics/instruments.json holds: code to a few metrics of the instrument on test."""
        detail = self.metrics["test"]["per_instrument"]
        assert isinstance(detail, Mapping)
        return {
            code: {key: _short(found[key]) for key in catalogue.IN_INSTRUMENTS_FILE} for code, found in detail.items()
        }

    def content(self) -> dict[str, object]:
        """Return what data/evaluation.json holds; of a system its metrics on test, and below them those on validation."""
        systems = {
            name: {
                **found.splits["test"],
                **{split: values for split, values in found.splits.items() if split != "test"},
                **({} if found.difference is None else {"difference": found.difference}),
                "thresholds": found.thresholds.content(),
            }
            for name, found in self.systems.items()
        }
        return {**self.metrics, "systems": systems}

    def summary(self) -> str:
        """Return one line about the test split."""
        test = self.metrics["test"]
        shown = [metric for metric in catalogue.METRICS if metric.brief and metric.declared]
        values = ", ".join(f"{metric.label} {_with_interval(test, metric.key)}" for metric in shown)
        return (
            f"{values} on {test['clips']} test clips of {test['recordings']} recordings, "
            f"{self.thresholds.rule} thresholds from {test['thresholds_from']}"
        )


def _short(value: object) -> float | None:
    assert value is None or isinstance(value, int | float)
    return None if value is None else round(float(value), DECIMALS)


def _with_interval(values: Values, key: str) -> str:
    """Return a value and its 95 % interval as text, such as "0.612 (0.55-0.67)"."""
    if values[key] is None:
        return "undefined"
    ends = values["interval"]
    assert isinstance(ends, Mapping)
    return f"{values[key]:.3f} ({ends[key]['low']:.2f}-{ends[key]['high']:.2f})"
