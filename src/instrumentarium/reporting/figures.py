"""Which figures there are: the rows each is drawn from, its template, and what it shows.

Titles, axes and colours stand in the templates (`instrumentarium.reporting.charts`), captions here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from instrumentarium.reporting.charts import draw
from instrumentarium.reporting.rows import ReportInputError, need_columns, read_rows

GENRE_CODES = (
    "Of IRMAS's codes of genres, cla is classical, cou_fol country and folk, jaz_blu jazz and blues, lat_sou Latin and "
    "soul, pop_roc pop and rock."
)


@dataclass(frozen=True)
class Drawing:
    """A figure: its name and its template's, the plot whose rows it draws, the columns it needs, and its caption.

    `of_data` says that it shows what the clips are, not what a model makes of them; `optional`, that its rows are
    empty where nothing asked for them, and that it is then left out.
    """

    name: str
    source: str  # <stage>/<plot>, as in plots/<stage>/<plot>.json
    words: tuple[str, ...]
    numbers: tuple[str, ...]
    caption: str
    of_data: bool = False
    optional: bool = False


DRAWINGS: tuple[Drawing, ...] = (
    Drawing(
        "per_instrument",
        "evaluate/per_instrument",
        ("instrument",),
        tuple(f"{name}{end}" for name in ("f1", "ap", "auroc") for end in ("", "_low", "_high")),
        "F1, average precision and AUROC per instrument on test, with 95 % intervals from a bootstrap over recordings.",
    ),
    Drawing(
        "roc",
        "evaluate/roc",
        ("instrument",),
        ("fpr", "tpr", "auroc"),
        "ROC on test with the area under it, instrument by instrument, the others in grey; averages last.",
    ),
    Drawing(
        "precision_recall",
        "evaluate/precision_recall",
        ("instrument",),
        ("recall", "precision", "ap"),
        "Precision over recall on test with the average precision, instrument by instrument, the others in grey; averages "
        "last.",
    ),
    Drawing(
        "confusion_shares",
        "evaluate/confusion",
        ("actual", "predicted"),
        ("count", "share"),
        "Multi-label confusion on fully labelled test clips, per cent of the row. What was missed is paired with what was "
        "falsely predicted; what remains stands under none.",
    ),
    Drawing(
        "confusion_counts",
        "evaluate/confusion_counts",
        ("actual", "predicted"),
        ("count", "share"),
        "The same confusion in clips. Where several pairings are possible each counts a part, so counts need not be whole.",
    ),
    Drawing(
        "confusion_per_instrument",
        "evaluate/confusion_per_instrument",
        ("instrument", "actual", "predicted"),
        ("count", "share"),
        "Confusion per instrument over the test clips that are labelled for it: share of the row, and clips.",
    ),
    Drawing(
        "scores",
        "evaluate/scores",
        ("instrument", "truth"),
        ("score", "share", "count"),
        "Distribution of scores over test clips in which an instrument plays, and in which it does not.",
    ),
    Drawing(
        "reliability",
        "evaluate/reliability",
        ("instrument",),
        ("mean_score", "share", "count", "low", "high"),
        "Reliability on test: how often an instrument plays where its score is such, with 95 % intervals; on the diagonal "
        "scores are probabilities. The larger a dot, the more clips.",
    ),
    Drawing(
        "thresholds",
        "evaluate/thresholds",
        ("instrument", "chosen"),
        ("threshold", "f1", "precision", "recall"),
        "F1, precision and recall at each threshold on the clips it is chosen on (validation); dots are the chosen ones.",
    ),
    Drawing(
        "prevalence",
        "split/prevalence",
        ("instrument", "split"),
        ("prevalence",),
        "Share of each split's clips in which an instrument is known to play.",
        of_data=True,
        optional=True,
    ),
    Drawing(
        "drums",
        "split/drums",
        ("instrument", "drum_track"),
        ("clips", "share"),
        "Drums beside each instrument: share of its clips with them, without them, and of which the corpus does not say.",
        of_data=True,
        optional=True,
    ),
    Drawing(
        "cooccurrence",
        "split/cooccurrence",
        ("instrument", "with"),
        ("count", "share"),
        "Instruments that are known to play together, per cent of the clips with the instrument of the row.",
        of_data=True,
        optional=True,
    ),
    Drawing(
        "genres",
        "split/genres",
        ("instrument", "genre"),
        ("count", "share"),
        "Genre by instrument, per cent of the instrument's clips of which a genre is stated. " + GENRE_CODES,
        of_data=True,
        optional=True,
    ),
    Drawing(
        "labels_per_clip",
        "split/labels_per_clip",
        ("split",),
        ("labels", "share", "clips"),
        "Instruments a clip: how many are known to play in it. An IRMAS training clip names its predominant one only.",
        of_data=True,
        optional=True,
    ),
    Drawing(
        "durations",
        "split/durations",
        ("split",),
        ("duration_s", "share", "clips"),
        "Durations of clips by split, in whole seconds.",
        of_data=True,
        optional=True,
    ),
    Drawing(
        "loudness",
        "split/loudness",
        ("split",),
        ("level_db", "share", "clips"),
        "Loudness of clips by split: root mean square of the stored samples.",
        of_data=True,
        optional=True,
    ),
    Drawing(
        "keys",
        "keys/keys",
        ("instrument", "key", "mode"),
        ("recordings",),
        "Keys of training recordings, all of them and by instrument, estimated from all clips of each; each panel has its "
        "own scale.",
        of_data=True,
        optional=True,
    ),
    Drawing(
        "tempos",
        "keys/tempos",
        ("instrument",),
        ("tempo_bpm", "to_bpm", "recordings"),
        "Tempi of training recordings, all of them and by instrument, in ranges of ten beats a minute; each panel has its "
        "own scale.",
        of_data=True,
        optional=True,
    ),
    Drawing("loss", "train/loss", ("part",), ("epoch", "loss"), "Loss by epoch."),
    Drawing(
        "map_macro",
        "train/map_macro",
        (),
        ("epoch", "map_macro"),
        "Mean average precision on validation by epoch; the dot is the highest.",
    ),
)


@dataclass(frozen=True)
class Picture:
    """A picture with the text that stands under it; a wide one takes both columns of a page."""

    name: str
    png: bytes
    svg: bytes
    caption: str
    wide: bool
    of_data: bool = False


def draw_figures(paths: Sequence[Path]) -> list[Picture]:
    """Draw every figure for which there are rows, in the order of DRAWINGS; an optional one may have none.

    Args:
        paths: plots/<stage>/<plot>.json, or folders plots/<stage>; every file must be drawn by some figure.

    Raises:
        MissingReportInputError: if one is missing.
        ReportInputError: if no figure draws its rows, or they lack a column or hold a word for a number.
    """
    files = [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    sources = {f"{path.parent.name}/{path.stem}": path for path in files}
    unknown = sorted(set(sources) - {drawing.source for drawing in DRAWINGS})
    if unknown:
        raise ReportInputError(
            f"no figure is drawn from the rows of {', '.join(unknown)}; "
            f"known are {', '.join(sorted({drawing.source for drawing in DRAWINGS}))}"
        )
    optional = {drawing.source for drawing in DRAWINGS if drawing.optional}
    rows = {source: read_rows(path, may_be_empty=source in optional) for source, path in sources.items()}
    pictures = []
    for drawing in DRAWINGS:
        if rows.get(drawing.source):
            mine = rows[drawing.source]
            need_columns(mine, drawing.words, drawing.numbers, str(sources[drawing.source]))
            chart = draw(drawing.name, mine)
            pictures.append(Picture(drawing.name, chart.png, chart.svg, drawing.caption, chart.wide, drawing.of_data))
    return pictures
