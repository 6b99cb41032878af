"""How well the timeline finds who plays when: prints one line of JSON.

    python benchmarks/timeline_score.py [--split test] [--data data] [--overlap 0.5] [--step 0.5] …

The songs are those of the miniature's IRMAS test set that lie in the split: the clips of a song one after the other, as the
sample store holds them. When each instrument enters and leaves is known from the renderer (`data/truth`, which no stage
reads); a rest of less than 0.75 s is no exit.

Time is cut into seconds, and every pair of a second and an instrument is one decision (segment-based evaluation, Mesaros,
Heittola and Virtanen: Metrics for polyphonic sound event detection, Applied Sciences 6(6), 2016). `any` counts an
instrument in a second in which it sounds at all, the convention of that paper; `half` in one of which it fills at least a
half. `f1` pools all decisions, with a 95 % interval from 2,000 resamples of songs; `f1_macro` is the mean over instruments
that occur.

`whole_song` says what the same model scores without a timeline: what `predict` finds in the song, from its first second to
its last. `true_labels_of_clips` is what a model would score that knew each clip's labels and nothing of time.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.clips.collection import clips_of, open_samples, read_clips
from instrumentarium.predicting.loading import load_ladder
from instrumentarium.predicting.prediction import Prediction
from instrumentarium.predicting.timeline import TimelineSettings
from instrumentarium.runtime.errors import UserError
from instrumentarium.tables.schemas import SPLIT

Grid = npt.NDArray[np.bool_]  # (seconds, instruments)
Stretch = tuple[str, float, float]  # instrument, from, to in s
RULES = {"any": 0.0, "half": 0.5}
"""How much of a second an instrument must exceed (0) or fill to count in it."""
RESAMPLES = 2000


def grid_of(stretches: list[Stretch], codes: Sequence[str], duration_s: float, rule: str) -> Grid:
    """Return in which seconds each instrument of `codes` counts; the last second may be cut off by the end."""
    seconds = max(1, int(np.ceil(duration_s - 1e-6)))
    edges = np.minimum(np.arange(seconds + 1), duration_s)
    filled = np.zeros((seconds, len(codes)))
    for code, start_s, end_s in stretches:
        overlap = np.minimum(edges[1:], end_s) - np.maximum(edges[:-1], start_s)
        filled[:, codes.index(code)] += np.maximum(overlap, 0.0)
    share = filled / np.maximum(np.diff(edges), 1e-9)[:, None]
    return np.asarray(share > 1e-6 if RULES[rule] == 0 else share >= RULES[rule] - 1e-9)


def counts(true: Grid, predicted: Grid) -> npt.NDArray[np.int_]:
    """Return hits, false alarms and misses of each instrument, (3, instruments)."""
    return np.stack([(true & predicted).sum(axis=0), (~true & predicted).sum(axis=0), (true & ~predicted).sum(axis=0)])


def f1_of(found: npt.NDArray[np.int_]) -> npt.NDArray[np.float64]:
    """Return F1 from counts (3, …); NaN where there is nothing to find and nothing was predicted."""
    hits, false_alarms, misses = found.astype(np.float64)
    total = 2 * hits + false_alarms + misses
    return np.where(total > 0, 2 * hits / np.where(total > 0, total, 1), np.nan)


def metrics(songs: list[npt.NDArray[np.int_]], codes: Sequence[str]) -> dict[str, Any]:
    """Return the F1 of songs' counts, pooled, with its interval, and by instrument of `codes`."""
    every = np.stack(songs)  # (songs, 3, instruments)
    hits, false_alarms, misses = every.sum(axis=(0, 2)).tolist()
    drawn = np.random.default_rng(0).integers(len(songs), size=(RESAMPLES, len(songs)))
    resampled = f1_of(every.sum(axis=2)[drawn].sum(axis=1).T)
    by_instrument = f1_of(every.sum(axis=0))
    occurs = every[:, [0, 2]].sum(axis=(0, 1)) > 0
    return {
        "f1": round(float(f1_of(every.sum(axis=(0, 2)))), 4),
        "f1_interval": [round(float(value), 4) for value in np.nanpercentile(resampled, [2.5, 97.5])],
        "precision": round(hits / max(hits + false_alarms, 1), 4),
        "recall": round(hits / max(hits + misses, 1), 4),
        "f1_macro": round(float(by_instrument[occurs].mean()), 4) if occurs.any() else None,
        "per_instrument": {
            code: round(float(value), 4)
            for code, value, there in zip(codes, by_instrument, occurs, strict=True)
            if there
        },
    }


def songs_of(data: Path, collection: str, part: str) -> Iterator[tuple[npt.NDArray[np.int16], list[str], list[float]]]:
    """Yield for every song of the part its samples, its clips, and where each of them begins, in samples."""
    folder = data / "clips" / collection / "irmas"
    clips = clips_of(read_clips([folder]), _of_irmas(SPLIT.read(data / "split.csv")), part)
    clips = clips[clips["official_split"] == "test"].reset_index(drop=True)
    samples = open_samples(clips, [folder])
    for _, rows in clips.groupby("recording_id"):
        order = sorted(rows.index, key=lambda row: _place(clips["clip_id"][row]))
        parts = [np.asarray(samples.read(row)) for row in order]
        starts = np.cumsum([0, *(len(each) for each in parts)])[:-1].tolist()
        yield np.concatenate(parts), [str(clips["clip_id"][row]) for row in order], starts


def _of_irmas(split: pd.DataFrame) -> pd.DataFrame:
    return split[split["clip_id"].str.startswith("irmas/")]


def _place(clip_id: str) -> tuple[int, str]:
    """Return where in its song a clip was cut: the number at the end of its name."""
    number = re.search(r"-(\d+)$", clip_id)
    return (int(number[1]) if number else 0, clip_id)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return the metrics."""
    settings = TimelineSettings(options.step, options.smooth, options.release, options.minimum)
    model = options.model or options.data / "model"
    audio2timeline = load_ladder(model, None, settings, overlap=options.overlap).audio2timeline
    card = audio2timeline.samples2scores.windows2scores.card
    rate, collection, codes = card.sample_rate_hz, card.trained.collection, card.taxonomy.codes
    truth = pd.read_csv(options.data / "truth" / collection / "irmas" / "truth-timeline.csv")
    truth = truth[truth["instrument"].isin(codes)]  # a model of other instruments is scored on those it shares
    if truth.empty:
        raise UserError(f"the truth of {options.data} has none of the model's instruments: {', '.join(codes)}")
    known = dict(iter(truth.groupby("clip_id")))
    ways = ("timeline", "whole_song", "true_labels_of_clips")
    found: dict[str, dict[str, list[npt.NDArray[np.int_]]]] = {rule: {way: [] for way in ways} for rule in RULES}
    duration_s, clips = 0.0, 0
    for samples, names, starts in songs_of(options.data, collection, options.split):
        end_s = len(samples) / rate
        ends = [*starts[1:], len(samples)]
        true: list[Stretch] = []
        labels: list[Stretch] = []
        for name, start, end in zip(names, starts, ends, strict=True):
            rows = known.get(name)
            if rows is None:
                continue
            shift = start / rate
            true += [
                (code, shift + begin, min(shift + stop, end / rate))
                for code, begin, stop in zip(rows["instrument"], rows["start_s"], rows["end_s"], strict=True)
            ]
            labels += [(code, shift, end / rate) for code in sorted(set(rows["instrument"]))]
        predicted: Prediction = audio2timeline(samples, rate)
        answers: dict[str, list[Stretch]] = {
            "timeline": [(part.instrument, part.start_s, part.end_s) for part in predicted.segments],
            "whole_song": [(code, 0.0, end_s) for code, there in zip(codes, predicted.present, strict=True) if there],
            "true_labels_of_clips": labels,
        }
        for rule, by_way in found.items():
            for way, stretches in answers.items():
                by_way[way].append(counts(grid_of(true, codes, end_s, rule), grid_of(stretches, codes, end_s, rule)))
        duration_s, clips = duration_s + end_s, clips + len(names)
    if not clips:
        raise UserError(f"{options.data} has no IRMAS test songs in the split {options.split}; run `dvc repro split`")
    return {
        "split": options.split,
        "songs": len(found["any"]["timeline"]),
        "clips": clips,
        "duration_s": round(duration_s, 1),
        **{rule: {way: metrics(songs, codes) for way, songs in by_way.items()} for rule, by_way in found.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = TimelineSettings()
    parser.add_argument("--data", type=Path, default=Path("data"), help="the pipeline's data folder")
    parser.add_argument("--model", type=Path, default=None, help="by default the model in the data folder")
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    parser.add_argument("--overlap", type=float, default=None, help="of windows; by default the model's")
    parser.add_argument("--step", type=float, default=usual.step_s, help="as of predict, in s")
    parser.add_argument("--smooth", type=float, default=usual.smooth_s, help="as of predict, in s")
    parser.add_argument("--release", type=float, default=usual.release, help="as of predict")
    parser.add_argument("--minimum", type=float, default=usual.minimum_s, help="as of predict, in s")
    try:
        print(json.dumps(measure(parser.parse_args())))
    except (UserError, FileNotFoundError) as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
