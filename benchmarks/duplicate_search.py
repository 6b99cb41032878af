"""How well duplicates are found, and at what cost: prints JSON.

Three measurements over ingested corpora. `search`: time and memory of the search as the stage runs it. `copies`: some clips
are copied in several ways and searched for among all others; recall by the way, pairs that join different recordings, and
how far both lie from the thresholds. `scale`: time and memory of the matching alone, over as many clips as asked, made from
the landmarks found by shifting them in frequency and stretching them in time; a few are copied with jitter and gaps.
"""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

import numpy as np
import pandas as pd
import typer
from duplicates.music import COPIES, RATE_HZ, collect

from instrumentarium.clips.collection import ClipSamples, open_samples, read_clips
from instrumentarium.clips.duplicates import connected
from instrumentarium.duplicates import search
from instrumentarium.duplicates.landmarks import BINS, count_frames, find_landmarks
from instrumentarium.duplicates.matching import Constellation, find_matches
from instrumentarium.runtime.memory import peak_mb


def measure_search(clips: pd.DataFrame, samples: ClipSamples) -> dict[str, object]:
    """Time the search as it is."""
    begin = time.perf_counter()
    pairs = search.find_duplicates(clips, samples, RATE_HZ)
    seconds = time.perf_counter() - begin
    hours = clips["duration_s"].sum() / 3600
    return {
        "clips": len(clips),
        "hours": round(float(hours), 3),
        "seconds": round(seconds, 2),
        "seconds_per_hour": round(seconds / hours, 2),
        "peak_mb": round(peak_mb(), 1),
        "pairs": len(pairs),
    }


def measure_copies(clips: pd.DataFrame, samples: ClipSamples, count: int, seed: int) -> dict[str, object]:
    """Search for copies of `count` clips among all clips."""
    rng = np.random.default_rng(seed)
    sounds = {str(clip_id): np.asarray(samples.read(row)) for row, clip_id in enumerate(clips["clip_id"])}
    recordings = dict(zip(clips["clip_id"], clips["recording_id"], strict=True))
    origin = {clip_id: clip_id for clip_id in sounds}
    for row in sorted(rng.choice(len(clips), count, replace=False).tolist()):
        name = str(clips["clip_id"][row])
        for how, change in COPIES.items():
            copy = f"{name} ({how})"
            sounds[copy], recordings[copy], origin[copy] = change(sounds[name]), copy, name
    likenesses: list[search.Likeness] = []
    compare = search.compare_sounds

    def watched(*arguments: Any) -> list[search.Likeness]:
        likenesses.extend(compare(*arguments))
        return likenesses

    search.compare_sounds = watched
    pairs = search.find_duplicates(*collect(sounds, recordings), RATE_HZ)
    search.compare_sounds = compare
    # what the corpora hold of themselves joins recordings; the rest must not
    own = clips.set_index("clip_id")["recording_id"]
    known = search.find_duplicates(clips, samples, RATE_HZ)
    same = connected(zip(known["clip_a"].map(own), known["clip_b"].map(own), strict=True))
    song = {clip_id: same.get(own[name], own[name]) for clip_id, name in origin.items()}
    both = set(zip(pairs["clip_a"], pairs["clip_b"], strict=True))
    copies = [clip_id for clip_id in origin if origin[clip_id] != clip_id]
    found = {copy for copy in copies if tuple(sorted((copy, origin[copy]))) in both}
    innocent = [pair for pair in sorted(both) if song[pair[0]] != song[pair[1]]]
    scores = np.array([likeness.agreement for likeness in likenesses])
    return {
        "recall": {
            how: round(sum(copy in found for copy in copies if copy.endswith(f"({how})")) / count, 4) for how in COPIES
        },
        "missed": [copy for copy in copies if copy not in found],
        "innocent_pairs": innocent,
        "pairs_of_clips": len(sounds) * (len(sounds) - 1) // 2,
        "pairs_compared": len(scores),
        "agreements_by_tenths": np.histogram(scores, np.arange(11) / 10)[0].tolist(),
        "highest_agreement_below_threshold": float(scores[scores < search.COHERENCE].max(initial=0)),
        "lowest_agreement_above_threshold": float(scores[scores >= search.COHERENCE].min(initial=1)),
    }


def measure_scale(clips: pd.DataFrame, samples: ClipSamples, count: int, seed: int) -> dict[str, object]:
    """Match `count` clips made from the landmarks of these, one in a hundred a copy of the one before."""
    rng = np.random.default_rng(seed)
    originals = [find_landmarks(samples.read(row), RATE_HZ) for row in range(len(clips))]
    frames = [count_frames(int(n), RATE_HZ) for n in clips["n_samples"]]
    made, n_frames = [], []
    for number in range(count):
        if number % 100 == 1:
            kept = made[-1][rng.random(len(made[-1])) < 0.7]
            landmarks = kept + rng.integers(-1, 2, kept.shape) * (rng.random(kept.shape) < 0.3)
        else:
            row = int(rng.integers(len(originals)))
            n_frames.append(frames[row])
            landmarks = originals[row] * (rng.uniform(0.7, 1.0), 1.0) + (0, int(rng.integers(-50, 51)))
        if number % 100 == 1:
            n_frames.append(n_frames[-1])
        landmarks = np.clip(landmarks, 0, (n_frames[-1] - 1, BINS - 1)).astype(np.int64)
        made.append(np.unique(landmarks, axis=0))
    begin = time.perf_counter()
    matches = find_matches(Constellation.build(made, n_frames))
    seconds = time.perf_counter() - begin
    good = matches.where((matches.matches >= search.MATCHES) & (matches.matches >= search.SHARE * matches.possible))
    pairs = set(zip(good.first.tolist(), good.second.tolist(), strict=True))
    copies = [(number - 1, number) for number in range(1, count, 100)]
    return {
        "clips": count,
        "hours": round(sum(n_frames) * 0.016 / 3600, 1),
        "landmarks": sum(map(len, made)),
        "seconds": round(seconds, 1),
        "peak_mb": round(peak_mb(), 1),
        "candidates": len(matches.first),
        "to_compare": len(good.first),
        "recall": round(sum(pair in pairs for pair in copies) / len(copies), 4),
    }


def main(
    corpora: Annotated[list[Path], typer.Argument(help="Folders of ingested corpora, at 32 kHz.")],
    copies: Annotated[int, typer.Option(help="Clips to copy in every way.")] = 60,
    scale: Annotated[int, typer.Option(help="Clips to match at scale; 0 leaves that out.")] = 0,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
) -> None:
    """Measure the search for duplicates."""
    clips = read_clips(corpora)
    samples = open_samples(clips, corpora)
    results: Mapping[str, object] = {
        "search": measure_search(clips, samples),
        **({"copies": measure_copies(clips, samples, copies, seed)} if copies else {}),
        **({"scale": measure_scale(clips, samples, scale, seed)} if scale else {}),
    }
    typer.echo(json.dumps(results, indent=2))


if __name__ == "__main__":
    typer.run(main)
