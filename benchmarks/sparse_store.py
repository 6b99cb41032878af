"""Whether training on a corpus larger than memory stays small itself: prints one line of JSON.

    python benchmarks/sparse_store.py [--hours 100] [--epochs 3] [--windows 20000]

Makes a sample store of `--hours` at 32 kHz that takes no room on disk (sparse files: silence), with the checksums that
ingest would write, and goes the way of training: the store is opened and checked, every clip's loudest window is looked
for, and the batches of `--epochs` are drawn, random crops of random clips.

`store_gb` is what the store holds and `disk_mb` what it takes on disk; `memory_gb` is the machine's. `resident_mb` is
what counts as this process's memory (VmRSS): before the store is opened, after the check, after the levels, after each
epoch. `peak_mb` is the most at any time since it was opened, and `grown_mb` that less what there was before.
`crops_per_s` is of all epochs, on one thread.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))  # this checkout's code, not an installed one's

import numpy as np
import pandas as pd
import torch  # before memory is measured: training has it, too

from instrumentarium.clips.collection import open_samples
from instrumentarium.clips.pooling import loudest_levels
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.machine import memory_gib
from instrumentarium.runtime.memory import peak_mb, reset_peak_mb
from instrumentarium.runtime.sealed import sealed
from instrumentarium.tables.samplestore import CHECKSUMS, SHARD_SAMPLES
from instrumentarium.training.sampling import EpochBatches

RATE_HZ, CLIP_S, WINDOW_S, HOP_S, INSTRUMENTS, BATCH = 32000, 30, 3, 1.5, 11, 32


def write_store(folder: Path, clips: int) -> list[int]:
    """Write a store of silent clips as sparse files; return where each begins."""
    a_clip = CLIP_S * RATE_HZ
    a_shard = SHARD_SAMPLES // a_clip
    folder.mkdir(parents=True)
    shards = {}
    for number, first in enumerate(range(0, clips, a_shard)):
        samples = min(a_shard, clips - first) * a_clip
        path = folder / f"{number:03d}.npy"
        with path.open("wb") as file:
            layout = {"descr": "<i2", "fortran_order": False, "shape": (samples,)}
            np.lib.format.write_array_header_1_0(file, layout)
            file.truncate(file.tell() + 2 * samples)
        shards[path.name] = samples
    digests = {samples: _sha256_of_silence(2 * samples) for samples in sorted(set(shards.values()))}
    write_json(folder / CHECKSUMS, sealed({"shards": {name: digests[samples] for name, samples in shards.items()}}))
    return [number * a_clip for number in range(clips)]


def _sha256_of_silence(count: int) -> str:
    digest, piece = hashlib.sha256(), bytes(1 << 20)
    for _ in range(count >> 20):
        digest.update(piece)
    digest.update(bytes(count & ((1 << 20) - 1)))
    return digest.hexdigest()


def resident_mb() -> float:
    """Return what counts as this process's memory."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024 / 1e6


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return all measurements."""
    torch.set_num_threads(1)
    samples_folder = folder / "sparse" / "samples"
    clips = round(options.hours * 3600 / CLIP_S)
    firsts = write_store(samples_folder, clips)
    shards = sorted(samples_folder.glob("*.npy"))
    table = pd.DataFrame(
        {"corpus": "sparse", "clip_id": [f"sparse/{number:06}" for number in range(clips)], "first_sample": firsts}
    ).assign(n_samples=CLIP_S * RATE_HZ)
    rng = np.random.default_rng(0)
    targets = rng.random((clips, INSTRUMENTS)) < 0.2
    window, hop = WINDOW_S * RATE_HZ, round(HOP_S * RATE_HZ)

    before = reset_peak_mb()
    resident = {"before": round(resident_mb())}
    began = time.perf_counter()
    samples = open_samples(table, [folder / "sparse"])
    checked_s, resident["checked"] = time.perf_counter() - began, round(resident_mb())
    began = time.perf_counter()
    loudest_db = loudest_levels(samples, window, hop)
    levels_s, resident["levels"] = time.perf_counter() - began, round(resident_mb())
    crops, began = 0, time.perf_counter()
    for epoch in range(options.epochs):
        batches = EpochBatches(
            samples,
            targets,
            np.ones_like(targets),
            loudest_db,
            windows=options.windows,
            window_samples=window,
            quietest_db=40.0,
            batch_size=BATCH,
            negatives_share=0.1,
            seed=1,
            epoch=epoch,
        )
        crops += sum(len(batches[number].waveforms) for number in range(len(batches)))
        resident[f"epoch_{epoch + 1}"] = round(resident_mb())
    return {
        "hours": options.hours,
        "store_gb": round(sum(path.stat().st_size for path in shards) / 1e9, 1),
        "disk_mb": round(sum(path.stat().st_blocks * 512 for path in shards) / 1e6, 1),
        "memory_gb": round(memory_gib() * 2**30 / 1e9, 1),
        "checked_s": round(checked_s, 1),
        "levels_s": round(levels_s, 1),
        "crops": crops,
        "crops_per_s": round(crops / (time.perf_counter() - began)),
        "crops_gb": round(crops * window * 2 / 1e9, 1),
        "resident_mb": resident,
        "peak_mb": round(peak_mb()),
        "grown_mb": round(peak_mb() - before),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=100.0, help="of sound in the store")
    parser.add_argument("--epochs", type=int, default=3, help="to draw")
    parser.add_argument("--windows", type=int, default=20000, help="of 3 s, an epoch")
    parser.add_argument(
        "--folder", type=Path, default=None, help="for the store, on a file system that has sparse files"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        print(json.dumps(measure(options, Path(name))))


if __name__ == "__main__":
    main()
