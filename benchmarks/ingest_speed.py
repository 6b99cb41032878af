"""How fast ingest is, and how much memory it takes: prints one line of JSON.

    python benchmarks/ingest_speed.py [--clips 6705] [--repeats 3]

Everything is measured in this run: the rates of ingest from a zip of 44.1 kHz stereo WAV (3 s a clip, as IRMAS has them)
and from a tgz of Ogg Vorbis (10 s a clip, as OpenMIC has them), both resampled to 32 kHz, against the loop that anyone
would write with soundfile and soxr over the same bytes: once in one process, once in a process for each core.

A rate is seconds of audio a second. `per_core` is of processor time, with one core to run on; `all_cores` is of time on
the clock; both count the reading of archives and the writing of tables. Other work on the machine slows all of them, so
each is the best of its repeats, taken in turn, and the ratios are what to compare: `ratio_per_core` and `ratio_all_cores`
to the plain loop.

`formats` has the rates of decoding, mixing, hashing and resampling alone, one clip of 10 s (WAV: 3 s) after the other by
processor time, and of the plain loop over the same bytes.

`job` ingests `--clips` WAV clips in a process of its own: `peak_rss_mb` is the most memory it held, `rss_mb_after` what it
held after a quarter and three quarters of the clips. What grows with the corpus shows there.
"""

import argparse
import io
import json
import multiprocessing
import os
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import numpy as np
import soundfile
import soxr

from instrumentarium.corpora.irmas import parser as irmas
from instrumentarium.corpora.irmas.published import CODES
from instrumentarium.corpora.openmic import card as openmic_card
from instrumentarium.corpora.openmic import parser as openmic
from instrumentarium.corpora.source.members import Source
from instrumentarium.ingestion.audio import decode_clip
from instrumentarium.ingestion.ingest import ingest
from instrumentarium.runtime.memory import peak_mb

RATE_HZ, NEW_RATE_HZ = 44100, 32000
WAV_S, OGG_S = 3.0, 10.0
FORMATS = (
    ("WAV", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
)
DIFFERENT = 24
"""Different recordings; every clip is one of them, in turn."""


def render(seed: int, duration_s: float, kind: str, subtype: str, rate_hz: int = RATE_HZ) -> bytes:
    """Return an audio file of a chord in noise, stereo."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in random.uniform(80, 4000, size=6)) / 12
    noise = 0.05 * random.standard_normal((len(time_s), 2))
    buffer = io.BytesIO()
    soundfile.write(buffer, chord[:, None] + noise, rate_hz, format=kind, subtype=subtype)
    return buffer.getvalue()


def write_irmas(folder: Path, files: list[bytes], clips: int) -> None:
    """Write a training archive of `clips` clips in the published layout, and a testing archive without any."""
    with zipfile.ZipFile(folder / "IRMAS-TrainingData.zip", "w") as archive:
        for number in range(clips):
            recording, part = divmod(number, 3)
            code = CODES[recording % len(CODES)]
            name = f"IRMAS-TrainingData/{code}/[{code}][nod][cla]{recording:04d}__{part + 1}.wav"
            archive.writestr(name, files[number % len(files)])
    with zipfile.ZipFile(folder / "IRMAS-TestingData-Part1.zip", "w") as archive:
        archive.writestr("IRMAS-TestingData-Part1/README.txt", "none")


def write_openmic(folder: Path, files: list[bytes], clips: int) -> None:
    """Write an archive of `clips` clips in the published layout."""
    keys = [f"{number:06d}_0" for number in range(clips)]
    tables = {
        "openmic-2018-aggregated-labels.csv": "sample_key,instrument,relevance,num_responses\n"
        + "".join(f"{key},flute,1.0,3\n" for key in keys),
        "openmic-2018-metadata.csv": "sample_key,license_title,license_url\n"
        + "".join(f"{key},Attribution,http://creativecommons.org/licenses/by/4.0/\n" for key in keys),
        "partitions/split01_train.csv": "".join(f"{key}\n" for key in keys),
        "partitions/split01_test.csv": "",
    }
    audio = {f"audio/{key[:3]}/{key}.ogg": files[number % len(files)] for number, key in enumerate(keys)}
    members = {name: text.encode() for name, text in tables.items()} | audio
    with tarfile.open(folder / openmic_card.ARCHIVE, "w:gz", compresslevel=1) as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(f"openmic-2018/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def plain_loop(files: list[bytes]) -> float:
    """Return the processor time, in s, of decoding, mixing and resampling with the libraries alone."""
    began = time.process_time()
    for data in files:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
        mono = soxr.resample(samples.mean(axis=1), rate, NEW_RATE_HZ, quality="HQ")
        (np.clip(mono, -1, 1) * 32767).astype(np.int16).tobytes()
    return time.process_time() - began


def rss_mb() -> float:
    """Return how much memory this process holds now, where the system tells (Linux), else the most that it held."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return peak_mb()


def watched(source: Source, at: dict[int, str], seen: dict[str, float]) -> Source:
    """Yield `source`, noting the memory held after each number of clips in `at`."""
    for number, item in enumerate(source):
        if number in at:
            seen[at[number]] = round(rss_mb(), 1)
        yield item


def one_ingest(corpus: str, archives: Path, cores: int | None, clips: int) -> dict[str, Any]:
    """Ingest one corpus from `archives`, on one core or on all there are; return times and memory."""
    if cores is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    seen: dict[str, float] = {}
    read: Callable[[Path], Source] = irmas.read_clips if corpus == "irmas" else openmic.read_clips
    source = watched(read(archives), {clips // 4: "quarter", 3 * clips // 4: "three_quarters"}, seen)
    with tempfile.TemporaryDirectory(dir=archives) as out:
        clock, processor = time.perf_counter(), time.process_time()
        result = ingest(corpus, source, Path(out), NEW_RATE_HZ)
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
    assert len(result.clips) == clips, result.summary()
    return {"clock_s": clock, "processor_s": processor, "peak_rss_mb": round(peak_mb(), 1), "rss_mb_after": seen}


def in_a_process_of_its_own(work: Callable[..., Any], *arguments: object) -> Any:
    """Return `work(*arguments)`, run in a fresh process, so that neither memory nor the choice of cores stays."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def plain_loops(files: list[bytes], cores: int) -> float:
    """Return the time on the clock, in s, of a plain loop over `files` in each of as many processes as there are cores."""
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(plain_loop, [files[:1]] * cores * 4))  # start them all, and import the libraries
        began = time.perf_counter()
        list(pool.map(plain_loop, [files] * cores))
        return time.perf_counter() - began


def measure(
    corpus: str, archives: Path, files: list[bytes], duration_s: float, clips: int, repeats: int
) -> dict[str, Any]:
    """Return the rates of one corpus of `clips` clips, and those of the plain loop over as many."""
    audio_s, cores = clips * duration_s, len(os.sched_getaffinity(0))
    loop = (files * (clips // len(files) + 1))[:clips]
    rates: dict[str, list[float]] = {"per_core": [], "all_cores": [], "plain_per_core": [], "plain_all_cores": []}
    for _ in range(repeats):
        rates["plain_per_core"].append(audio_s / plain_loop(loop))
        rates["per_core"].append(
            audio_s / in_a_process_of_its_own(one_ingest, corpus, archives, 1, clips)["processor_s"]
        )
        rates["plain_all_cores"].append(cores * audio_s / plain_loops(loop, cores))
        rates["all_cores"].append(
            audio_s / in_a_process_of_its_own(one_ingest, corpus, archives, None, clips)["clock_s"]
        )
    best = {name: max(found) for name, found in rates.items()}
    return {name: round(rate) for name, rate in best.items()} | {
        "ratio_per_core": round(best["per_core"] / best["plain_per_core"], 2),
        "ratio_all_cores": round(best["all_cores"] / best["plain_all_cores"], 2),
    }


def decode_rates(files: list[bytes], duration_s: float, repeats: int) -> dict[str, float]:
    """Return the rates of decoding clips in memory, in one process."""
    ours, plain = [], []
    for _ in range(repeats):
        began = time.process_time()
        for data in files:
            decode_clip(data, NEW_RATE_HZ)
        ours.append(time.process_time() - began)
        plain.append(plain_loop(files))
    audio_s = duration_s * len(files)
    return {
        "per_core": round(audio_s / min(ours)),
        "plain_per_core": round(audio_s / min(plain)),
        "ratio_per_core": round(min(plain) / min(ours), 2),
    }


def folders(root: Path, *names: str) -> Iterator[Path]:
    """Make and yield folders in `root`."""
    for name in names:
        (root / name).mkdir()
        yield root / name


def _some_clips(kind: str, subtype: str) -> tuple[list[bytes], float]:
    duration_s = WAV_S if kind == "WAV" else OGG_S
    rate_hz = 48000 if subtype == "OPUS" else RATE_HZ
    return [render(seed, duration_s, kind, subtype, rate_hz) for seed in range(4)], duration_s


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=6705, help="WAV clips of the job whose memory is watched")
    parser.add_argument("--repeats", type=int, default=3, help="of every rate; the best counts")
    parser.add_argument("--folder", type=Path, default=None, help="for archives and results, about 0.8 MB a clip")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        large, small, compressed = folders(Path(name), "large", "small", "compressed")
        wav = [render(seed, WAV_S, "WAV", "PCM_16") for seed in range(DIFFERENT)]
        ogg = [render(seed, OGG_S, "OGG", "VORBIS") for seed in range(DIFFERENT)]
        write_irmas(large, wav, options.clips)
        write_irmas(small, wav, 20 * DIFFERENT)
        write_openmic(compressed, ogg, 5 * DIFFERENT)
        whole = in_a_process_of_its_own(one_ingest, "irmas", large, None, options.clips)
        result = {
            "cores": len(os.sched_getaffinity(0)),
            "wav": measure("irmas", small, wav, WAV_S, 20 * DIFFERENT, options.repeats),
            "ogg": measure("openmic", compressed, ogg, OGG_S, 5 * DIFFERENT, options.repeats),
            "formats": {
                f"{kind} {subtype}": in_a_process_of_its_own(
                    decode_rates, *_some_clips(kind, subtype), 3 * options.repeats
                )
                for kind, subtype in FORMATS
            },
            "job": {
                "clips": options.clips,
                "clock_s": round(whole["clock_s"], 1),
                "rate": round(options.clips * WAV_S / whole["clock_s"]),
                "peak_rss_mb": whole["peak_rss_mb"],
                "rss_mb_after": whole["rss_mb_after"],
            },
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
