"""Whether labels hold through the whole clip: clips drawn to be annotated by time, and what the annotations say.

Annotations are a CSV file with the columns clip_id, start_s, end_s, instrument: one row a stretch in which an instrument
plays. Drawn clips get a row for each of their labels with empty times, to be filled in, and repeated for more stretches;
where an instrument does not play at all, both times are 0.
"""

import csv
import io
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from instrumentarium.relabelling.labellings import Labelling, LabellingError
from instrumentarium.runtime.seeds import derive_seed

COLUMNS = ("clip_id", "start_s", "end_s", "instrument")
Stretch = tuple[float, float]


@dataclass(frozen=True)
class Covered:
    """How much of a clip a label covers: from 0, it does not play, to 1, it plays throughout."""

    clip_id: str
    instrument: str
    share: float


def read_durations(paths: Sequence[Path]) -> dict[str, float]:
    """Return the duration of each clip in s, from tables with columns clip_id, duration_s.

    Raises:
        LabellingError: if a table is missing, or is no such table.
    """
    found: dict[str, float] = {}
    for path in paths:
        try:
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
            found |= dict(zip(table["clip_id"], table["duration_s"].astype(float), strict=True))
        except KeyError as error:
            raise LabellingError(f"{path} has no column {error}; it must have clip_id and duration_s") from error
        except (OSError, ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise LabellingError(f"{path} is no table of clips: {error}") from error
    return found


def draw_clips(labelling: Labelling, among: Collection[str], count: int, seed: int) -> list[tuple[str, str]]:
    """Return pairs of clip and instrument to annotate: all labels of `count` clips drawn at random, sorted.

    Args:
        labelling: what is stated of clips.
        among: clips whose durations are known; the annotations of others could not be read.
        count: how many clips.
        seed: of the draw.

    Raises:
        LabellingError: if fewer clips of `among` have a label.
    """
    labelled = sorted(clip for clip in labelling.stated if clip in among and labelling.present(clip))
    if count > len(labelled):
        raise LabellingError(
            f"{count} clips are asked for, and {len(labelled)} of the tables of clips have a label in {labelling.source}"
        )
    rng = np.random.default_rng(derive_seed(seed, "clips to annotate"))
    drawn = sorted(labelled[int(place)] for place in rng.permutation(len(labelled))[:count])
    return [(clip, code) for clip in drawn for code in sorted(labelling.present(clip))]


def empty_annotations(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the CSV text that annotators fill in."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((clip, "", "", code) for clip, code in pairs)
    return text.getvalue()


def read_stretches(path: Path, durations: Mapping[str, float]) -> dict[tuple[str, str], list[Stretch]]:
    """Return the stretches of each annotated pair; none where both times are 0.

    Raises:
        LabellingError: if the file is no such table, or naming the line whose clip is unknown, whose times are empty, no
            numbers, out of order, or beyond the end of the clip.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LabellingError(f"{path} cannot be read as CSV in UTF-8: {error}") from error
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if sorted(rows.fieldnames or ()) != sorted(COLUMNS):
        raise LabellingError(
            f"{path} has the columns {', '.join(rows.fieldnames or ()) or '(none)'}; it must have {', '.join(COLUMNS)}"
        )
    found: dict[tuple[str, str], list[Stretch]] = {}
    for row in rows:
        where = f"{path}: line {rows.line_num}"
        clip, code = row["clip_id"], row["instrument"]
        if clip not in durations:
            raise LabellingError(f"{where}: {clip!r} is no clip of the tables of clips")
        if not code:
            raise LabellingError(f"{where}: instrument is empty")
        start, end = (_seconds(where, column, row[column]) for column in ("start_s", "end_s"))
        if not 0 <= start <= end <= durations[clip] + 0.05:  # annotators round up
            raise LabellingError(
                f"{where}: from {start:g} s to {end:g} s is no stretch of a clip of {durations[clip]:g} s"
            )
        stretches = found.setdefault((clip, code), [])
        if end > start:
            stretches.append((start, min(end, durations[clip])))
    return found


def _seconds(where: str, column: str, value: str | None) -> float:
    if not value:
        raise LabellingError(f"{where}: {column} is empty; annotate it, 0 and 0 where the instrument does not play")
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise LabellingError(f"{where}: {column} is {value!r}, and must be a number of seconds")
    return seconds


def coverage(
    labelling: Labelling, stretches: Mapping[tuple[str, str], Sequence[Stretch]], durations: Mapping[str, float]
) -> list[Covered]:
    """Return how much of its clip each label covers, for the labels of the annotated clips, sorted.

    A label of an annotated clip of which there is no row is one that nobody found: it covers 0.

    Raises:
        LabellingError: if an annotated clip has no label.
    """
    clips = sorted({clip for clip, _ in stretches})
    unlabelled = [clip for clip in clips if clip not in labelling.stated]
    if unlabelled:
        raise LabellingError(
            f"{labelling.source} has no label of {len(unlabelled)} annotated clips, first {unlabelled[0]!r}"
        )
    return [
        Covered(clip, code, total(stretches.get((clip, code), ())) / durations[clip])
        for clip in clips
        for code in sorted(labelling.present(clip))
    ]


def total(stretches: Sequence[Stretch]) -> float:
    """Return how many seconds the union of stretches covers."""
    covered, reached = 0.0, 0.0
    for start, end in sorted(stretches):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered


def summarise(found: Sequence[Covered], whole: float) -> dict[str, dict[str, float | int | None]]:
    """Return for each instrument, and for all: labels, mean share of the clip, share that hold throughout, share absent.

    Args:
        found: of each label.
        whole: the share of a clip from which a label counts as holding throughout.
    """
    groups = {"all": list(found)}
    for each in found:
        groups.setdefault(each.instrument, []).append(each)
    return {
        name: {
            "labels": len(members),
            "mean_share": _mean([each.share for each in members]),
            "throughout": _mean([float(each.share >= whole) for each in members]),
            "absent": _mean([float(each.share == 0) for each in members]),
        }
        for name, members in sorted(groups.items(), key=lambda item: (item[0] != "all", item[0]))
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 6) if values else None
