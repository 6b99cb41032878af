"""How fast `instrumentarium predict` is, and how much memory it takes: prints one line of JSON.

    python benchmarks/predict_speed.py [--model data/model] [--files 20] [--hours 10] [--repeats 3]

Each number is of the command, started anew, from the first import to the last line.

`folder_wav` and `folder_mp3` are folders of 3-minute files, 44.1 kHz stereo: `rate` is seconds of audio a second on the
clock, `per_core` a second of processor time; `without_start` is the latter less what the answer for a 3 s file takes.
`frontend_per_core` is what torchaudio alone manages in this run: one thread, the model's log-mel spectrogram, of windows
that are in memory already and overlap as the model's do. `ratio` is `without_start` to that; a model of another front end
has neither. With `--onnx` the same is
measured with ONNX Runtime, of a model that was exported.

`first_answer_s` is from the command's start to its answer for a 3 s file, `import_torch_s` what Python takes to import
torch and nothing else; the difference is ours.

`long` is one file of `--hours` (FLAC, 44.1 kHz stereo): `above_loaded_mb` is the most memory the command held beyond what
it held for a file of 3 s, which is Python, torch and the model.

Other work on the machine slows all of it, so each is the best of its repeats, taken in turn.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))  # this checkout's code, not an installed one's

import numpy as np
import numpy.typing as npt
import soundfile
import torch
import torchaudio

from instrumentarium.frontends.params import LogMelParams
from instrumentarium.models.modelfile import load_card

RATE_HZ, SONG_S, SHORT_S = 44100, 180.0, 3.0
COMMAND = [sys.executable, "-c", "from instrumentarium.commands.app import app; app()", "predict", "--format", "jsonl"]


@dataclass(frozen=True)
class Run:
    """What one run of a command took."""

    clock_s: float
    processor_s: float
    peak_mb: float


RUNNER = """
import json, os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
print(json.dumps([process.returncode, time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss]))
"""
"""Runs a command and reports its cost. A process of its own: a child's peak counts what its parent held as it forked."""


def run(command: list[str]) -> Run:
    """Run a command with this checkout's code; raise if it fails."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    report = subprocess.run(
        [sys.executable, "-c", RUNNER, *command], stdout=subprocess.PIPE, check=True, env=environment, text=True
    )
    status, clock_s, processor_s, peak = json.loads(report.stdout)
    if status:
        raise subprocess.CalledProcessError(status, command)
    return Run(clock_s, processor_s, peak * (1 if sys.platform == "darwin" else 1024) / 1e6)


def song(duration_s: float, seed: int) -> npt.NDArray[np.float32]:
    """Return a chord that swells, in a little noise: (frames, 2)."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in random.uniform(80, 4000, size=6)) / 8
    swell = 0.6 + 0.4 * np.sin(time_s)
    noise = 0.002 * random.standard_normal((len(time_s), 2))
    return np.asarray((chord * swell)[:, None] + noise, dtype=np.float32)


def frontend_rate(model: Path, repeats: int) -> float | None:
    """Return how many seconds of audio a second torchaudio's log-mel makes of windows in memory, in one thread.

    None if the model's front end is no log-mel.
    """
    card = load_card(model)
    frontend, windows = card.frontend, card.windows
    if not isinstance(frontend, LogMelParams):
        return None
    mel = torchaudio.transforms.MelSpectrogram(
        sample_rate=frontend.sample_rate_hz,
        n_fft=frontend.n_fft,
        hop_length=frontend.hop_length,
        n_mels=frontend.n_mels,
        f_min=frontend.f_min_hz,
        f_max=frontend.f_max_hz,
    )
    decibels = torchaudio.transforms.AmplitudeToDB()
    batch = torch.randn(32, round(windows.length_s * frontend.sample_rate_hz))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    best = float("inf")
    with torch.inference_mode():
        for _ in range(10 * repeats):
            began = time.process_time()
            decibels(mel(batch))
            best = min(best, time.process_time() - began)
    torch.set_num_threads(threads)
    return 32 * windows.hop_s / best


def folder_rates(words: list[str], folder: Path, audio_s: float, repeats: int, start_s: float) -> dict[str, float]:
    """Return the rates of a folder run; `start_s` is the processor time of the command's start."""
    runs = [run([*COMMAND, *words, str(folder)]) for _ in range(repeats)]
    processor_s = min(each.processor_s for each in runs)
    return {
        "rate": round(audio_s / min(each.clock_s for each in runs)),
        "per_core": round(audio_s / processor_s),
        "without_start": round(audio_s / max(processor_s - start_s, 1e-3)),
    }


def write_folder(folder: Path, suffix: str, files: int) -> None:
    """Write `files` songs, of which a few are different."""
    folder.mkdir()
    different = min(files, 4)
    for number in range(different):
        soundfile.write(folder / f"{number:03}.{suffix}", song(SONG_S, number), RATE_HZ)
    for number in range(different, files):
        (folder / f"{number:03}.{suffix}").write_bytes((folder / f"{number % different:03}.{suffix}").read_bytes())


def write_long(path: Path, hours: float) -> None:
    """Write a file of `hours`, the same minutes over and over."""
    block = song(SONG_S, 0)
    left = round(hours * 3600 * RATE_HZ)
    with soundfile.SoundFile(path, "w", RATE_HZ, 2, subtype="PCM_16", format="FLAC") as file:
        while left > 0:
            file.write(block[:left])
            left -= len(block)


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return all measurements."""
    model = ["--model", str(options.model)]
    short = folder / "short.wav"
    soundfile.write(short, song(SHORT_S, 0), RATE_HZ)
    firsts, imports = [], []
    for _ in range(options.repeats + 2):
        imports.append(run([sys.executable, "-c", "import torch"]))
        firsts.append(run([*COMMAND, *model, str(short)]))
    start_s = min(each.processor_s for each in firsts)
    loaded_mb = min(each.peak_mb for each in firsts)
    result: dict[str, Any] = {
        "cores": len(os.sched_getaffinity(0)),
        "first_answer_s": round(min(each.clock_s for each in firsts), 2),
        "first_answer_processor_s": round(start_s, 2),
        "import_torch_s": round(min(each.clock_s for each in imports), 2),
    }
    plain = frontend_rate(options.model, options.repeats)
    result["frontend_per_core"] = plain and round(plain)
    audio_s = options.files * SONG_S
    for suffix in ("wav", "mp3"):
        write_folder(folder / suffix, suffix, options.files)
        rates = folder_rates(model, folder / suffix, audio_s, options.repeats, start_s)
        result[f"folder_{suffix}"] = rates | {"ratio": plain and round(rates["without_start"] / plain, 2)}
    if options.onnx:
        words = [*model, "--backend", "onnxruntime"]
        result["folder_wav_onnxruntime"] = folder_rates(words, folder / "wav", audio_s, options.repeats, start_s)
    if options.hours:
        write_long(folder / "long.flac", options.hours)
        long = run([*COMMAND, *model, str(folder / "long.flac")])
        result["long"] = {
            "hours": options.hours,
            "rate": round(options.hours * 3600 / long.clock_s),
            "per_core": round(options.hours * 3600 / long.processor_s),
            "peak_mb": round(long.peak_mb),
            "above_loaded_mb": round(long.peak_mb - loaded_mb),
        }
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("data/model"), help="a model's folder")
    parser.add_argument("--files", type=int, default=20, help="in the folder, of 3 minutes each")
    parser.add_argument("--hours", type=float, default=10.0, help="of the long file; 0 leaves it out")
    parser.add_argument("--repeats", type=int, default=3, help="of every rate; the best counts")
    parser.add_argument("--onnx", action="store_true", help="measure ONNX Runtime, too")
    parser.add_argument("--folder", type=Path, default=None, help="for the files, about 2 GB for 10 hours")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        print(json.dumps(measure(options, Path(name))))


if __name__ == "__main__":
    main()
