"""Which figures there are, what rows each is drawn from, and what it shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from instrumentarium.drawing.style import COLOURS, GREY, INK, palette_of, styled, to_png
from instrumentarium.reporting import curves, instruments, matrices
from instrumentarium.reporting.rows import ReportInputError, Rows, need_columns, read_rows

PALETTE = palette_of(matrices.SHADES, (INK, GREY, *COLOURS), levels=48, shades=12)
INTERVALS = tuple(f"{name}{end}" for name in ("f1", "ap") for end in ("", "_low", "_high"))


@dataclass(frozen=True)
class Drawing:
    """A figure: its file's name, the plot whose rows it draws and their columns, and its caption."""

    name: str
    source: str  # <stage>/<plot>, as in plots/<stage>/<plot>.json
    columns: tuple[str, ...]
    draw: Callable[[Rows], Figure]
    caption: str
    wide: bool


DRAWINGS: tuple[Drawing, ...] = (
    Drawing(
        "per_instrument",
        "evaluate/per_instrument",
        ("instrument", *INTERVALS),
        instruments.draw_per_instrument,
        "F1 and average precision per instrument on test, with 95 % intervals from a bootstrap over recordings.",
        wide=False,
    ),
    Drawing(
        "prevalence",
        "split/prevalence",
        ("instrument", "prevalence", "split"),
        instruments.draw_prevalence,
        "Share of each split's clips in which an instrument is known to play.",
        wide=False,
    ),
    Drawing(
        "roc",
        "evaluate/roc",
        ("instrument", "fpr", "tpr"),
        curves.draw_roc,
        "ROC on test, instrument by instrument, the others in grey; averages last.",
        wide=True,
    ),
    Drawing(
        "precision_recall",
        "evaluate/precision_recall",
        ("instrument", "recall", "precision"),
        curves.draw_precision_recall,
        "Precision over recall on test, instrument by instrument, the others in grey; averages last.",
        wide=True,
    ),
    Drawing(
        "roc_column",
        "evaluate/roc",
        ("instrument", "fpr", "tpr"),
        curves.draw_roc_column,
        "ROC on test, all instruments in one panel.",
        wide=False,
    ),
    Drawing(
        "precision_recall_column",
        "evaluate/precision_recall",
        ("instrument", "recall", "precision"),
        curves.draw_precision_recall_column,
        "Precision over recall on test, all instruments in one panel.",
        wide=False,
    ),
    Drawing(
        "confusion_shares",
        "evaluate/confusion",
        ("actual", "predicted", "share"),
        matrices.draw_confusion_shares,
        "Multi-label confusion on fully labelled test clips, per cent of the row. What was missed is paired with what was "
        "falsely given; what remains stands under none.",
        wide=False,
    ),
    Drawing(
        "confusion_counts",
        "evaluate/confusion_counts",
        ("actual", "predicted", "count", "share"),
        matrices.draw_confusion_counts,
        "The same confusion in clips. Where several pairings are possible each counts a part, so counts need not be whole.",
        wide=False,
    ),
    Drawing(
        "confusion_per_instrument",
        "evaluate/confusion_per_instrument",
        ("instrument", "actual", "predicted", "count", "share"),
        matrices.draw_confusion_per_instrument,
        "Confusion per instrument over the test clips in which somebody listened for it.",
        wide=True,
    ),
    Drawing(
        "scores",
        "evaluate/scores",
        ("instrument", "truth", "score", "share", "count"),
        instruments.draw_scores,
        "How scores are spread over test clips in which an instrument plays, and in which it does not.",
        wide=True,
    ),
    Drawing(
        "reliability",
        "evaluate/reliability",
        ("instrument", "mean_score", "share", "count", "low", "high"),
        curves.draw_reliability,
        "Reliability on test: how often an instrument plays where its score is such, with 95 % intervals; on the diagonal "
        "scores are probabilities. The larger a dot, the more clips.",
        wide=True,
    ),
    Drawing(
        "thresholds",
        "evaluate/thresholds",
        ("instrument", "threshold", "f1", "precision", "recall", "chosen"),
        curves.draw_thresholds,
        "What each threshold would give on the clips it is chosen on (validation), and the one that was chosen.",
        wide=True,
    ),
    Drawing(
        "loss",
        "train/loss",
        ("epoch", "loss", "part"),
        curves.draw_loss,
        "Loss by epoch.",
        wide=False,
    ),
    Drawing(
        "map_macro",
        "train/map_macro",
        ("epoch", "map_macro"),
        curves.draw_map_macro,
        "Mean average precision on validation by epoch; the dot is the epoch whose weights were kept.",
        wide=False,
    ),
)


@dataclass(frozen=True)
class Picture:
    """A PNG with the text that stands under it."""

    name: str
    png: bytes
    caption: str
    wide: bool


def draw_figures(paths: Sequence[Path]) -> list[Picture]:
    """Draw every figure for which there are rows, in the order of DRAWINGS.

    Args:
        paths: plots/<stage>/<plot>.json; every one must be drawn by some figure.

    Raises:
        MissingReportInputError: if one is missing.
        ReportInputError: if no figure draws its rows, or they lack a column.
    """
    sources = {f"{path.parent.name}/{path.stem}": path for path in paths}
    unknown = sorted(set(sources) - {drawing.source for drawing in DRAWINGS})
    if unknown:
        raise ReportInputError(
            f"no figure is drawn from the rows of {', '.join(unknown)}; "
            f"known are {', '.join(sorted({drawing.source for drawing in DRAWINGS}))}"
        )
    rows = {source: read_rows(path) for source, path in sources.items()}
    pictures = []
    with styled():
        for drawing in DRAWINGS:
            if drawing.source in rows:
                need_columns(rows[drawing.source], drawing.columns, str(sources[drawing.source]))
                png = to_png(drawing.draw(rows[drawing.source]), palette=PALETTE)
                pictures.append(Picture(drawing.name, png, drawing.caption, drawing.wide))
    return pictures
