"""How well a trained model recognises real single notes and real sounds without an instrument, as one line of JSON.

The model never trains on them, so the metrics say whether what it learned, of rendered music for instance, holds for real
sound. The folder has a table in the form that own data may have (docs/own-data.md), here `path`, `labels`, `recording` and
`source`: one instrument for a note, none for a negative. It comes in through the same door as any own data: its
manifest is written, and it is ingested.

    python benchmarks/real_notes.py FOLDER [--half choose|report]

Whoever tries several models must not report the best one on the notes it was chosen by. So `--half` takes one half of the
recordings of each instrument and of each category of negatives: dealt in turn, in the order of the SHA-256 of their names,
the first to `report`, so that what has a single recording is in that half alone. The instruments to choose from stay those
of the whole folder. A value that has nothing to be counted from, such as top1 of a folder of negatives, is null.

top1                    share of clips with one instrument for which that instrument has the highest score of all
                        instruments that occur in the folder
top1_interval           of top1, the central 95 % over resampled recordings; null where there are fewer than two
top1_macro              the same by instrument, then the mean over instruments
confusion               for each instrument, how often each other one had the highest score
negatives_with_any      share of negatives in which an instrument is predicted at the model's own thresholds
negatives_interval      of that, as top1_interval
negatives_per_category  the same by category: the folder that the file lies in
per_source              top1 and negatives_with_any by the table's column `source`
"""

import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import numpy as np
import numpy.typing as npt
import pandas as pd
import typer

from instrumentarium.clips.collection import open_samples, read_clips, read_labels
from instrumentarium.clips.labels import label_arrays
from instrumentarium.corpora.own import parser
from instrumentarium.corpora.own.manifest.writing import write_manifest
from instrumentarium.evaluation.bootstrap import draw_weights, percentile_intervals
from instrumentarium.ingestion.ingest import ingest
from instrumentarium.predicting.modelsource import read_thresholds, thresholds_of
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.stage import run
from instrumentarium.scoring.recognizer import Recognizer
from instrumentarium.tables.mapping import LabelMapping, map_labels
from instrumentarium.tables.taxonomy import Taxonomy

ROOT = Path(__file__).resolve().parents[1]
RESAMPLES, SEED = 2000, 0
LISTING_RATE_HZ = 8000
"""Enough to see which files can be used."""


class Half(StrEnum):
    """A half of the recordings."""

    CHOOSE = "choose"
    REPORT = "report"


class NoClipsError(UserError, ValueError):
    """A folder of which nothing can be used."""


def main(
    folder: Annotated[Path, typer.Argument(help="Folder with index.csv and the audio it names.")],
    model: Annotated[Path, typer.Option(help="Folder of the trained model.")] = ROOT / "data" / "model",
    thresholds: Annotated[
        Path | None, typer.Option(help="Its thresholds; by default thresholds.json in the model's folder or beside it.")
    ] = None,
    half: Annotated[
        Half | None, typer.Option(help="Count one half of the recordings only: to choose a model, or to report it.")
    ] = None,
) -> None:
    """Report how a trained model does on real notes and on real sounds without an instrument."""
    began = time.perf_counter()
    recognizer = Recognizer.load(model)
    limits, _ = read_thresholds(thresholds or thresholds_of(model), recognizer.card.taxonomy.codes)
    result = measured(folder, recognizer, limits, half) | {"seconds": round(time.perf_counter() - began, 1)}
    print(json.dumps(result, allow_nan=False, ensure_ascii=False))


@dataclass(frozen=True)
class Notes:
    """Clips of a folder, and what each is; `clips` has a row for each."""

    clips: pd.DataFrame
    present: npt.NDArray[np.intp]  # instruments that occur in the whole folder, by their place in the taxonomy
    notes: npt.NDArray[np.bool_]  # (clips,): has one instrument, and
    truth: npt.NDArray[np.intp]  # (clips,): which
    negatives: npt.NDArray[np.bool_]  # (clips,): has none, and
    categories: npt.NDArray[np.str_]  # (clips,): the folder that the file lies in
    rejected: int  # files of the whole folder that cannot be used


def read_notes(folder: Path, own: Path, taxonomy: Taxonomy, sample_rate_hz: int, half: Half | None) -> Notes:
    """Ingest a folder into `own`, which is made and named so, and return its clips, or one half of them.

    Raises:
        NoClipsError: if nothing in the folder can be used.
    """
    manifest = own.parent / "manifest"
    write_manifest(str(folder / "index.csv"), "table", "negative", manifest)
    ingested = ingest("own", parser.read_clips(manifest), own, sample_rate_hz)
    clips = read_clips([own])
    if clips.empty:
        reasons = Counter(each["reason"] for each in ingested.rejected)
        listed = "; ".join(f"{count} × {reason}" for reason, count in reasons.most_common(3))
        raise NoClipsError(f"{folder} has no clip that can be used: {len(ingested.rejected)} are rejected ({listed})")
    by_spelling = LabelMapping(taxonomy, {"own": "spelling"})
    mapped = map_labels(read_labels([own]), dict.fromkeys(clips["clip_id"], "own"), by_spelling)
    labels = label_arrays(clips, mapped.labels, taxonomy, irmas_train_absent="unobserved")
    known = labels.observed.all(axis=1)
    notes = known & (labels.targets.sum(axis=1) == 1)
    negatives = known & ~labels.targets.any(axis=1)
    truth = labels.targets.argmax(axis=1)
    present = np.unique(truth[notes])
    categories = np.array([PurePosixPath(path).parent.name for path in clips["path"]])
    if half is not None:
        groups = np.where(negatives, categories, np.where(notes, np.array(taxonomy.codes)[truth], "neither"))
        counted = _halves(clips["recording_id"].to_numpy(dtype=str), groups) == half
        clips = clips[counted].reset_index(drop=True)
        notes, negatives, truth, categories = (each[counted] for each in (notes, negatives, truth, categories))
    return Notes(clips, present, notes, truth, negatives, categories, len(ingested.rejected))


def copy_half(folder: Path, half: Half, taxonomy: Taxonomy, out: Path) -> None:
    """Copy the notes and negatives of one half into `out`, which is made, with an index.csv that has all of them train.

    An instrument of which the half has no note is unknown in all notes: were it absent, that a sound is real would speak
    against it.

    Raises:
        FileExistsError: if `out` exists.
        NoClipsError: if nothing in the folder can be used.
    """
    with tempfile.TemporaryDirectory(prefix="real-notes-") as name:
        found = read_notes(folder, Path(name) / "own", taxonomy, LISTING_RATE_HZ, half)
    played = np.unique(found.truth[found.notes])
    values = np.where(found.notes[:, None], "", "0").repeat(len(taxonomy.codes), axis=1)
    values[:, played] = "0"
    values[found.notes, found.truth[found.notes]] = "1"
    table = pd.DataFrame(values, columns=list(taxonomy.codes))
    table.insert(0, "path", found.clips["path"])
    table.insert(1, "recording", found.clips["recording_id"].str.removeprefix("own/"))
    table.insert(2, "split", "train")
    table = table[found.notes | found.negatives]
    out.mkdir(parents=True)
    for path in table["path"]:
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, out / path)
    table.to_csv(out / "index.csv", index=False, lineterminator="\n")


def measured(
    folder: Path, recognizer: Recognizer, limits: npt.NDArray[np.float64], half: Half | None
) -> dict[str, object]:
    """Return all but the time; `limits` are thresholds, (instruments,).

    Raises:
        NoClipsError: if nothing in the folder can be used.
    """
    taxonomy = recognizer.card.taxonomy
    codes = taxonomy.codes
    with tempfile.TemporaryDirectory(prefix="real-notes-") as name:
        own = Path(name) / "own"
        found = read_notes(folder, own, taxonomy, recognizer.card.sample_rate_hz, half)
        scores = recognizer.clips(open_samples(found.clips, [own])).scores
    present, notes, negatives, truth = found.present, found.notes, found.negatives, found.truth
    # of negatives alone there is no instrument to choose from
    highest = present[scores[:, present].argmax(axis=1)] if present.size else np.full(len(truth), -1)
    right, predicted = highest == truth, (scores >= limits).any(axis=1)
    sources = found.clips["path"].map(_sources(folder / "index.csv")).to_numpy()
    recordings = found.clips["recording_id"].to_numpy(dtype=str)

    played = np.unique(truth[notes])
    per_instrument = {codes[i]: _share(right, notes & (truth == i)) for i in played}
    confusion = {
        codes[i]: {codes[j]: int(count) for j in present if (count := (notes & (truth == i) & (highest == j)).sum())}
        for i in played
    }
    per_source = {
        source: {
            "clips": int((sources == source).sum()),
            "top1": _share(right, notes & (sources == source)),
            "negatives_with_any": _share(predicted, negatives & (sources == source)),
        }
        for source in np.unique(sources)
    }
    return {
        "top1": _share(right, notes),
        "top1_interval": _interval(right, notes, recordings),
        "top1_macro": round(float(np.mean([right[notes & (truth == i)].mean() for i in played])), 4)
        if played.size
        else None,
        "per_instrument": per_instrument,
        "negatives_with_any": _share(predicted, negatives),
        "negatives_interval": _interval(predicted, negatives, recordings),
        "negatives_per_category": {
            category: _share(predicted, negatives & (found.categories == category))
            for category in np.unique(found.categories[negatives])
        },
        "per_source": per_source,
        "confusion": confusion,
        "clips": {
            "notes": int(notes.sum()),
            "negatives": int(negatives.sum()),
            "others": int((~notes & ~negatives).sum()),
            "rejected": found.rejected,
        },
    }


def _sources(index: Path) -> dict[str, str]:
    """Return what the table's column `source`, a note of its owner's, says of each path; empty where it has none."""
    table = pd.read_csv(index, dtype=str, keep_default_na=False, encoding="utf-8")
    return dict(zip(table["path"], table.get("source", pd.Series("", index=table.index)), strict=True))


def _halves(recordings: npt.NDArray[np.str_], groups: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """Return the half of each clip, (clips,): the recordings of a group are dealt in turn, in the order of their hashes.

    A recording that occurs in several groups goes where the first of them, by name, has put it.
    """
    of_group = defaultdict(set)
    for recording, group in zip(recordings, groups, strict=True):
        of_group[group].add(recording)
    dealt: dict[str, Half] = {}
    for group in sorted(of_group):
        fresh = sorted(of_group[group] - dealt.keys(), key=lambda name: hashlib.sha256(name.encode()).digest())
        dealt |= {name: (Half.REPORT, Half.CHOOSE)[turn % 2] for turn, name in enumerate(fresh)}
    return np.array([dealt[recording] for recording in recordings])


def _interval(
    true: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_], recordings: npt.NDArray[np.str_]
) -> list[float] | None:
    """Return the ends of the central 95 % of `_share` over resampled recordings, or None if there are fewer than two."""
    if len(np.unique(recordings[among])) < 2:
        return None
    weights = draw_weights(recordings[among], RESAMPLES, SEED)
    shares = weights @ true[among] / weights.sum(axis=1)
    low, high = percentile_intervals({"share": shares})["share"]
    return [round(float(low), 4), round(float(high), 4)]


def _share(true: npt.NDArray[np.bool_], among: npt.NDArray[np.bool_]) -> float | None:
    """Return the share of the clips `among` for which `true` holds, or None if there are none."""
    return round(float(true[among].mean()), 4) if among.any() else None


if __name__ == "__main__":
    run(main)
