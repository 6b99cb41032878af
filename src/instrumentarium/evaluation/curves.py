"""ROC and precision-recall curves as rows for plots: per instrument, pooled (micro) and averaged (macro).

Curves are thinned without changing their look: points are kept in the order in which they matter (the farthest from the
line drawn so far, as Douglas and Peucker do) until no point is farther than `TOLERANCE` from the drawn line, or
`MOST_POINTS` are kept.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from instrumentarium.clips.labels import FloatArray
from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation.checks import mean_of_defined
from instrumentarium.evaluation.ranking import (
    OperatingPoints,
    area_under_roc,
    average_precision,
    operating_points,
    points_per_instrument,
)

Row = dict[str, str | int | float | None]

MOST_POINTS = 200  # a curve
TOLERANCE = 0.002  # of the axis: a quarter of a pixel in a panel 130 pixels wide
GRID = np.linspace(0, 1, 201)  # where macro curves are averaged


def roc_rows(split: ScoredClips) -> list[Row]:
    """Return rows `instrument, fpr, tpr, auroc`, each curve from (0, 0) to (1, 1); one empty row where there is no curve.

    There is none for an instrument without positives or without negatives, and the empty row keeps its place in the plot.
    "macro" is the mean true positive rate at equal false positive rates. `auroc` is that of the whole curve, of all its
    points; of "macro" the mean over instruments.
    """
    curves = {}
    named = _named_points(split)
    for code, points in named.items():
        if points.positives and points.negatives:
            fpr = np.append(0.0, points.false_positives / points.negatives)
            tpr = np.append(0.0, points.true_positives / points.positives)
            curves[code] = np.column_stack([fpr, tpr])
    singles = [_roc_at(curve) for code, curve in curves.items() if code != "micro"]
    if singles:
        macro = np.column_stack([GRID, np.mean(singles, axis=0)])
        curves["macro"] = np.vstack([[0.0, 0.0], macro])
    return _rows(split.codes, curves, ("fpr", "tpr", "auroc"), _areas(named, area_under_roc))


def precision_recall_rows(split: ScoredClips) -> list[Row]:
    """Return rows `instrument, recall, precision, ap`, each curve from recall 0 to 1; one empty row without positives.

    The curve starts at the precision of the highest score. "macro" is the mean over instruments of the precision at the
    highest threshold that reaches a recall, so that the area under it is the mean average precision. `ap` is the average
    precision of the whole curve; of "macro" the mean over instruments.
    """
    curves = {}
    named = _named_points(split)
    for code, points in named.items():
        if points.positives:
            recall = points.true_positives / points.positives
            precision = points.true_positives / (points.true_positives + points.false_positives)
            curves[code] = np.column_stack([np.append(0.0, recall), np.append(precision[0], precision)])
    singles = [_precision_at(curve) for code, curve in curves.items() if code != "micro"]
    if singles:
        curves["macro"] = np.column_stack([GRID, np.mean(singles, axis=0)])
    return _rows(split.codes, curves, ("recall", "precision", "ap"), _areas(named, average_precision))


def thin(curve: FloatArray, most_points: int = MOST_POINTS, tolerance: float = TOLERANCE) -> FloatArray:
    """Return the points of `curve`, (points, 2), that its look needs, in order; the ends are always kept."""
    kept = {0, len(curve) - 1}
    heap: list[tuple[float, int, int, int]] = []

    def consider(first: int, last: int) -> None:
        if last - first > 1:
            distance = _distances(curve, first, last)
            farthest = int(np.argmax(distance))
            heapq.heappush(heap, (-float(distance[farthest]), first + 1 + farthest, first, last))

    consider(0, len(curve) - 1)
    while heap and len(kept) < most_points:
        distance, farthest, first, last = heapq.heappop(heap)
        if -distance <= tolerance:
            break
        kept.add(farthest)
        consider(first, farthest)
        consider(farthest, last)
    return curve[sorted(kept)]


def _named_points(split: ScoredClips) -> dict[str, OperatingPoints]:
    singles = points_per_instrument(split.targets, split.scores, split.observed)
    pooled = operating_points(split.targets[split.observed], split.scores[split.observed])
    return {**dict(zip(split.codes, singles, strict=True)), "micro": pooled}


def _roc_at(curve: FloatArray) -> FloatArray:
    """Return the true positive rate at GRID: the highest reached there, linear between points."""
    fpr, last = np.unique(curve[::-1, 0], return_index=True)  # the last point of a vertical piece is its highest
    heights: FloatArray = np.interp(GRID, fpr, curve[::-1, 1][last])
    return heights


def _precision_at(curve: FloatArray) -> FloatArray:
    """Return the precision at GRID: that of the first point whose recall is at least as high."""
    first = np.searchsorted(curve[:, 0], GRID - 1e-12, side="left")
    heights: FloatArray = curve[np.minimum(first, len(curve) - 1), 1]
    return heights


def _distances(curve: FloatArray, first: int, last: int) -> FloatArray:
    """Return how far the points between `first` and `last` are from the straight piece that joins the two."""
    start, direction = curve[first], curve[last] - curve[first]
    offset = curve[first + 1 : last] - start
    length = float(direction @ direction)
    along = np.clip(offset @ direction / length, 0.0, 1.0) if length else np.zeros(len(offset))
    away: FloatArray = offset - along[:, None] * direction
    return np.asarray(np.hypot(away[:, 0], away[:, 1]))


def _areas(named: Mapping[str, OperatingPoints], area: Callable[[OperatingPoints], float]) -> dict[str, float]:
    """Return the area of each curve, and of "macro" the mean of the instruments'."""
    areas = {code: area(points) for code, points in named.items()}
    return {**areas, "macro": mean_of_defined(np.array([found for code, found in areas.items() if code != "micro"]))}


def _rows(
    codes: Sequence[str], curves: Mapping[str, FloatArray], columns: tuple[str, str, str], areas: Mapping[str, float]
) -> list[Row]:
    x, y, name = columns
    rows: list[Row] = []
    for code in (*codes, "micro", "macro"):
        if code in curves:
            area = round(areas[code], 4)
            rows += [
                {"instrument": code, x: round(float(a), 4), y: round(float(b), 4), name: area}
                for a, b in thin(curves[code])
            ]
        else:
            rows.append({"instrument": code, x: None, y: None, name: None})
    return rows
