"""How long the intervals of the evaluation take, and whether they hold the truth: one line of JSON.

*Time*: every headline and per-instrument metric of as many clips and songs as the official IRMAS test set has, 11
instruments, 2,000 resamples of songs. Printed are `seconds` and the processor time `cpu_seconds`.

*Coverage*: simulated collections in which a song is easy or hard as a whole, so that its clips succeed and fail together.
The truth is the metric of a collection so large that chance is gone. Of the `collections`, printed is the share whose 95 %
interval holds the truth: `by_recording` when recordings are drawn, as the evaluation does, `by_clip` when clips are. The
interval of `ece_mean` is made to hold it in *at least* 95 %.
"""

import json
import sys
import time
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import numpy as np
import typer

from instrumentarium.clips.scored import ScoredClips
from instrumentarium.evaluation.bootstrap import draw_weights
from instrumentarium.evaluation.headline import headline
from instrumentarium.evaluation.split_metrics import resample
from instrumentarium.runtime.stage import run

CLIPS, SONGS, INSTRUMENTS = 2874, 208, 11
COVERED = ("f1_micro", "f1_macro", "f1_samples", "hamming", "map_macro", "lrap", "brier", "ece_mean")


def simulate(rng: np.random.Generator, songs: int, instruments: int, sizes: tuple[int, int]) -> ScoredClips:
    """Return clips of songs; what plays, and how well it is recognised, is much the same in all clips of a song."""
    count = rng.integers(*sizes, songs, endpoint=True)
    song = np.repeat(np.arange(songs), count)
    targets = (rng.random((songs, instruments)) < 0.3)[song] ^ (rng.random((len(song), instruments)) < 0.05)
    skill = rng.normal(1.0, 1.0, (songs, 1))[song]
    logits = skill * (2.0 * targets - 1) + rng.standard_normal(targets.shape)
    names = np.char.mod("%06d", song)
    blank = np.full(len(song), "")
    return ScoredClips(
        codes=tuple(f"instrument_{number}" for number in range(instruments)),
        clip_ids=np.arange(len(song)).astype(np.str_),
        splits=np.full(len(song), "test"),
        targets=targets,
        observed=np.ones_like(targets),
        scores=1 / (1 + np.exp(-logits)),
        recordings=names,
        corpora=np.full(len(song), "simulated"),
        genres=blank,
        groups=blank,
        official_splits=blank,
    )


def time_intervals(resamples: int) -> dict[str, float]:
    """Return how long all intervals of a collection like the IRMAS test set take."""
    rng = np.random.default_rng(0)
    split = simulate(rng, SONGS, INSTRUMENTS, (8, 30))
    split = split.where(np.arange(len(split.targets)) < CLIPS)
    assert len(split.targets) == CLIPS
    start, cpu = time.perf_counter(), time.process_time()
    weights = draw_weights(split.recordings, resamples, 0)
    resampled = resample(split, split.scores >= 0.5, weights)
    resampled.instrument_ends()
    resampled.headline_ends()
    resampled.calibration_ends()
    return {"seconds": round(time.perf_counter() - start, 2), "cpu_seconds": round(time.process_time() - cpu, 2)}


def coverage(collections: int, resamples: int, large_songs: int, seed: int) -> dict[str, dict[str, float]]:
    """Return for each way of drawing the share of intervals that hold the truth, by metric."""
    shape = {"instruments": 3, "sizes": (1, 15)}
    large = simulate(np.random.default_rng([seed, 0]), large_songs, **shape)  # type: ignore[arg-type]
    truth = headline(large, large.scores >= 0.5)
    held = {way: dict.fromkeys(COVERED, 0) for way in ("by_recording", "by_clip")}
    for number in range(collections):
        split = simulate(np.random.default_rng([seed, 1, number]), 200, **shape)  # type: ignore[arg-type]
        for way, recordings in (
            ("by_recording", split.recordings),
            ("by_clip", np.arange(len(split.targets)).astype(str)),
        ):
            weights = draw_weights(recordings, resamples, number)
            ends = resample(split, split.scores >= 0.5, weights).headline_ends()
            for name in COVERED:
                low, high = ends[name]
                held[way][name] += bool(low <= truth[name] <= high)  # type: ignore[operator]
    return {way: {name: round(count / collections, 4) for name, count in found.items()} for way, found in held.items()}


def main(
    resamples: Annotated[int, typer.Option(min=100, help="Of songs, when time is taken.")] = 2000,
    collections: Annotated[int, typer.Option(min=1, help="Simulated collections.")] = 1000,
    resamples_each: Annotated[int, typer.Option(min=100, help="Of songs, in each simulated collection.")] = 400,
    large_songs: Annotated[
        int, typer.Option(min=100, help="Songs of the collection that is taken for the truth.")
    ] = 40_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulation.")] = 0,
) -> None:
    """Take the time of the intervals, count how often they hold the truth, and print one line of JSON."""
    print(
        json.dumps(
            {
                "clips": CLIPS,
                "songs": SONGS,
                "instruments": INSTRUMENTS,
                "resamples": resamples,
                **time_intervals(resamples),
                "collections": collections,
                **coverage(collections, resamples_each, large_songs, seed),
            }
        )
    )


if __name__ == "__main__":
    run(main)
