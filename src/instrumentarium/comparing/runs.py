"""Several runs of one thing, by seed or by fold: each one's metrics, their mean and their deviation."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from instrumentarium.comparing.pairing import answers_to, common_clips
from instrumentarium.comparing.sides import Side
from instrumentarium.evaluation import catalogue
from instrumentarium.evaluation.headline import headline

METRICS = ("f1_macro", "f1_micro", "f1_samples", "map_macro", "auroc_macro", "lrap", "hamming")
"""Of the catalogue: those by which systems are reported."""


@dataclass(frozen=True)
class Runs:
    """The metrics of runs that were evaluated on the same clips.

    Attributes:
        names: of the runs, as the user gave them.
        sources: what each is.
        split: which clips of.
        clips: how many.
        metrics: key to each run's value; None where it is undefined.
    """

    names: tuple[str, ...]
    sources: tuple[str, ...]
    split: str
    clips: int
    metrics: dict[str, tuple[float | None, ...]]

    def mean(self, key: str) -> float | None:
        """Return the mean over runs; None where a run's value is undefined."""
        values = self._defined(key)
        return statistics.fmean(values) if values else None

    def deviation(self, key: str) -> float | None:
        """Return the standard deviation over runs (of a sample: by n − 1); None where a run's value is undefined."""
        values = self._defined(key)
        return statistics.stdev(values) if values else None

    def _defined(self, key: str) -> list[float]:
        values = [value for value in self.metrics[key] if value is not None]
        return values if len(values) == len(self.names) else []

    def content(self) -> dict[str, object]:
        """Return the runs as JSON holds them."""
        return {
            "runs": [{"name": name, "source": source} for name, source in zip(self.names, self.sources, strict=True)],
            "metrics": {
                key: {"runs": list(values), "mean": self.mean(key), "deviation": self.deviation(key)}
                for key, values in self.metrics.items()
            },
            "split": self.split,
            "clips": self.clips,
        }


def gather_runs(sides: Sequence[Side], split: str) -> Runs:
    """Return the metrics of all sides on the clips of `split` that all of them have.

    Raises:
        ComparisonError: if two of them do not have the same clips with the same truth; see `pair_clips`.
    """
    clip_ids = common_clips(sides, split)
    answers = [answers_to(side, clip_ids) for side in sides]
    values = [headline(each.scored, each.predictions) for each in answers]
    return Runs(
        names=tuple(side.name for side in sides),
        sources=tuple(side.source for side in sides),
        split=split,
        clips=len(clip_ids),
        metrics={key: tuple(each[key] for each in values) for key in METRICS},  # type: ignore[misc]
    )


def runs_as_table(runs: Runs) -> str:
    """Return one row a run, then mean and deviation."""
    width = max(len(name) for name in (*runs.names, "deviation"))
    titles = [catalogue.LABELS[key] for key in METRICS]
    rows = [
        *((name, [runs.metrics[key][place] for key in METRICS]) for place, name in enumerate(runs.names)),
        ("mean", [runs.mean(key) for key in METRICS]),
        ("deviation", [runs.deviation(key) for key in METRICS]),
    ]
    columns = [max(len(title), 5) for title in titles]
    lines = ["".join([" " * width, *(f"  {title:>{wide}}" for title, wide in zip(titles, columns, strict=True))])]
    for name, values in rows:
        cells = ("–" if value is None else f"{value:.3f}" for value in values)
        lines.append(
            "".join([f"{name:<{width}}", *(f"  {cell:>{wide}}" for cell, wide in zip(cells, columns, strict=True))])
        )
    return "\n".join([f"{len(runs.names)} runs on {runs.clips} {runs.split} clips", "", *lines])
