"""How much faster a catalogue is predicted by two workers than by one: prints one line of JSON.

    python benchmarks/catalogue_speed.py [--model data/model] [--files 96] [--seconds 60] [--workers 2] [--repeats 2]

Writes `--files` songs of `--seconds` (WAV, 44.1 kHz stereo) and runs `instrumentarium predict --ray` over them with one
worker and with `--workers` in turns, each time into a new folder and started anew. A worker uses one thread.

`one` and `several` are seconds of audio a second on the clock, from the moment at which every worker has made its first
shard to that of the last one; `ratio` is the second to the first, each the best of its repeats, since other work on the
machine slows either. `whole_one_s` and `whole_several_s` are whole commands with the start of Ray and the loading of the
model. `driver_mb` is the most memory that the process held which lists files and puts shards in their place.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))  # this checkout's code, not an installed one's
sys.path.insert(0, str(ROOT / "benchmarks"))

import predict_speed

SHARD_FILES = 2


def write_songs(folder: Path, files: int, length_s: float) -> None:
    """Write songs, of which a few are different."""
    predict_speed.SONG_S = length_s
    predict_speed.write_folder(folder, "wav", files)


def rate_of(out: Path, workers: int, length_s: float) -> float:
    """Return seconds of audio a second, without the start: by when each shard came."""
    moments = sorted(path.stat().st_mtime for path in out.glob("predictions/part-*"))
    shards = len(moments) - workers
    if shards < 1:
        raise SystemExit(f"{len(moments)} shards are too few for {workers} workers; take more --files")
    return shards * SHARD_FILES * length_s / (moments[-1] - moments[workers - 1])


def run(model: Path, songs: Path, out: Path, workers: int) -> tuple[float, float]:
    """Run the command; return how long it took, in s, and the most memory its own process held, in MB."""
    code = "from instrumentarium.commands.app import app; app()"
    words = ["predict", "--ray", "--model", str(model), "--workers", str(workers), "--shard-files", str(SHARD_FILES)]
    began = time.perf_counter()
    found = predict_speed.run([sys.executable, "-c", code, *words, "--out", str(out), str(songs)])
    return time.perf_counter() - began, found.peak_mb


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return all measurements."""
    os.environ["OMP_NUM_THREADS"] = "1"  # of what is started below
    songs = folder / "songs"
    write_songs(songs, options.files, options.seconds)
    rates: dict[int, list[float]] = {1: [], options.workers: []}
    whole: dict[int, list[float]] = {1: [], options.workers: []}
    driver_mb = 0.0
    for repeat in range(options.repeats):
        for workers, found in rates.items():
            out = folder / f"out-{workers}-{repeat}"
            clock_s, peak_mb = run(options.model, songs, out, workers)
            found.append(rate_of(out, workers, options.seconds))
            whole[workers].append(clock_s)
            driver_mb = max(driver_mb, peak_mb)
    one, several = max(rates[1]), max(rates[options.workers])
    return {
        "cores": len(os.sched_getaffinity(0)),
        "files": options.files,
        "workers": options.workers,
        "one": round(one),
        "several": round(several),
        "ratio": round(several / one, 2),
        "ratios": [round(b / a, 2) for a, b in zip(rates[1], rates[options.workers], strict=True)],
        "whole_one_s": round(min(whole[1]), 1),
        "whole_several_s": round(min(whole[options.workers]), 1),
        "driver_mb": round(driver_mb),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("data/model"), help="a model's folder")
    parser.add_argument("--files", type=int, default=96, help="songs in the catalogue")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of a song")
    parser.add_argument("--workers", type=int, default=2, help="to compare with one")
    parser.add_argument("--repeats", type=int, default=2, help="of either; the best counts")
    parser.add_argument("--folder", type=Path, default=None, help="for the songs, about 10 MB a minute")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        print(json.dumps(measure(options, Path(name))))


if __name__ == "__main__":
    main()
