"""How fast descriptors are computed on one core, beside librosa in the same run: one line of JSON.

The same windows go through `instrumentarium.descriptors` and, one by one as it takes them, through librosa's functions for
the descriptors that it has (centroid, bandwidth, roll-off, contrast, flatness, zero crossings, root mean square, MFCC and
their slopes, chroma), with the same frames and one spectrum shared among those that take one. Ours are all: also flux,
entropy, Hjorth's parameters and the statistics over frames. Printed are seconds of sound per second of processor time, the
median of `repeats`: `ours`, `librosa`, and their quotient `ratio`.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import librosa
import numpy as np
import numpy.typing as npt
import typer
from threadpoolctl import threadpool_limits

from instrumentarium.descriptors.params import DescriptorParams
from instrumentarium.descriptors.windows import WindowDescriptors
from instrumentarium.runtime.section import PARAMS_FILE, DeclaredParams, read_yaml
from instrumentarium.runtime.stage import run

WINDOW_S = 2.0
BATCH = 4


def notes(count: int, rate_hz: int) -> npt.NDArray[np.int16]:
    """Return windows of decaying notes over noise, (count, samples)."""
    rng = np.random.default_rng(0)
    seconds = np.arange(round(WINDOW_S * rate_hz)) / rate_hz
    pitches = rng.uniform(100, 800, count)
    sounds = [
        sum(np.sin(2 * np.pi * hz * k * seconds) * np.exp(-k * seconds) / k for k in range(1, 12)) for hz in pitches
    ]
    noise = 0.01 * rng.standard_normal((count, len(seconds)))
    return ((0.3 * np.array(sounds) + noise).clip(-1, 1) * 32767).astype(np.int16)


def by_librosa(windows: npt.NDArray[np.int16], rate_hz: int, params: DescriptorParams) -> None:
    """Compute what librosa has, for each window."""
    frames = {"n_fft": params.n_fft, "hop_length": params.hop_length}
    for window in windows:
        signal = window.astype(np.float32) / 32767
        magnitude = np.abs(librosa.stft(signal, **frames))
        power = magnitude**2
        librosa.feature.spectral_centroid(S=magnitude, sr=rate_hz)
        librosa.feature.spectral_bandwidth(S=magnitude, sr=rate_hz)
        librosa.feature.spectral_rolloff(S=magnitude, sr=rate_hz)
        librosa.feature.spectral_contrast(S=magnitude, sr=rate_hz)
        librosa.feature.spectral_flatness(S=magnitude)
        librosa.feature.zero_crossing_rate(signal, frame_length=params.n_fft, hop_length=params.hop_length)
        librosa.feature.rms(y=signal, frame_length=params.n_fft, hop_length=params.hop_length)
        librosa.feature.chroma_stft(S=power, sr=rate_hz, tuning=0.0)
        mel = librosa.power_to_db(librosa.feature.melspectrogram(S=power, sr=rate_hz, n_mels=params.n_mels))
        librosa.feature.delta(librosa.feature.mfcc(S=mel, n_mfcc=params.n_mfcc))


def speed(work: Callable[[], object], sound_s: float, repeats: int) -> float:
    """Return seconds of sound per second of processor time, the median of `repeats` after one that is not counted."""
    work()
    found = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        found.append(sound_s / (time.process_time() - begun))
    return statistics.median(found)


def main(
    count: Annotated[int, typer.Option(min=1, help="Windows of two seconds.")] = 40,
    repeats: Annotated[int, typer.Option(min=1, help="Times each is measured.")] = 5,
) -> None:
    """Print how many times real time descriptors are computed on one core, and librosa's."""
    values = DeclaredParams(read_yaml(PARAMS_FILE), "benchmark")
    params, rate_hz = values.read("descriptors", DescriptorParams), values.read("audio.sample_rate_hz", int)
    windows = notes(count, rate_hz)
    describe = WindowDescriptors(params, rate_hz)
    with threadpool_limits(limits=1):
        ours = speed(
            lambda: [describe(windows[begin : begin + BATCH]) for begin in range(0, count, BATCH)],
            count * WINDOW_S,
            repeats,
        )
        theirs = speed(lambda: by_librosa(windows, rate_hz, params), count * WINDOW_S, repeats)
    typer.echo(json.dumps({"ours": round(ours, 1), "librosa": round(theirs, 1), "ratio": round(ours / theirs, 2)}))


if __name__ == "__main__":
    run(main)
