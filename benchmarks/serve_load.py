"""How the server stands a crowd: prints one line of JSON.

    python benchmarks/serve_load.py [--model data/model] [--clients 64] [--seconds 300] [-- --queue 32]

Starts `instrumentarium serve` with a port of its own (what follows `--` is handed to it), and has `--clients` clients send
one recording after the other for `--seconds`: WAV, FLAC, Ogg and MP3 of 1 to 20 s, 44.1 kHz stereo, made in this run, as
forms and as plain bodies. A client that gets a 503 waits as long as its Retry-After says.

`requests` counts answers, `by_status` each status, `errors` everything but 200 and 503: other statuses, answers that are no
prediction, broken connections. `p50_s`, `p95_s`, `p99_s` are of answers with 200, from the first byte sent to the last one
received; the clients run on the same machine, and take part of it. `rate` is requests a second, `real_time` seconds of
predicted audio a second. `memory_max_mb` is the most that the server and the processes that decode for it held together
(proportional set size, polled); `memory_first_mb` and `memory_last_mb` are the means of the first and the last fifth of the
run. `drained_s` is what it took to end on SIGTERM, and `exit_status` how.
"""

import argparse
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))  # this checkout's code, not an installed one's

import av
import httpx
import numpy as np
import soundfile

RATE_HZ = 44100
LENGTHS_S = (1.0, 3.0, 5.0, 10.0, 20.0)
KINDS = (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", ""))
POLL_S = 0.5


def recordings() -> list[tuple[float, bytes]]:
    """Return recordings of every length and kind, each with its length in s."""
    rng, found = np.random.default_rng(0), []
    for length_s in LENGTHS_S:
        time_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
        chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in rng.uniform(80, 4000, size=6)) / 8
        sound = chord[:, None] * (0.6 + 0.4 * np.sin(time_s))[:, None] + 0.002 * rng.standard_normal((len(time_s), 2))
        found += [(length_s, _coded(sound, *kind)) for kind in KINDS]
    return found


def _coded(sound: np.ndarray, kind: str, subtype: str) -> bytes:
    buffer = io.BytesIO()
    if kind != "MP3":
        soundfile.write(buffer, sound, RATE_HZ, format=kind, subtype=subtype)
        return buffer.getvalue()
    with av.open(buffer, "w", format="mp3") as output:
        stream = output.add_stream("libmp3lame", rate=RATE_HZ, layout="stereo")
        frame = av.AudioFrame.from_ndarray(sound.astype(np.float32).T.copy(), "fltp", "stereo")
        frame.sample_rate = RATE_HZ
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()


class Clients:
    """Many clients of one server, and what they were answered."""

    def __init__(self, url: str, files: list[tuple[float, bytes]]) -> None:
        self.url, self.files, self.stop = url, files, threading.Event()
        self.lock, self.statuses, self.errors = threading.Lock(), Counter[str](), Counter[str]()
        self.seconds: list[float] = []
        self.audio_s = 0.0

    def run(self, number: int) -> None:
        """Be one client until it is over."""
        chosen = random.Random(number)
        with httpx.Client(base_url=self.url, timeout=300) as client:
            while not self.stop.is_set():
                length_s, data = chosen.choice(self.files)
                began = time.perf_counter()
                try:
                    if chosen.random() < 0.5:
                        answer = client.post("/v1/predict", files={"file": ("a.wav", data)})
                    else:
                        answer = client.post("/v1/predict", content=data)
                except httpx.HTTPError as error:
                    with self.lock:
                        self.errors[type(error).__name__] += 1
                    continue
                took = time.perf_counter() - began
                with self.lock:
                    self.statuses[str(answer.status_code)] += 1
                    if answer.status_code == 200:
                        self.seconds.append(took)
                        self.audio_s += length_s
                        if abs(answer.json()["duration_s"] - length_s) > 0.1:
                            self.errors["another duration"] += 1
                    elif answer.status_code != 503:
                        self.errors[f"status {answer.status_code}"] += 1
                if answer.status_code == 503:
                    self.stop.wait(float(answer.headers["retry-after"]))


def memory_mb(parent: int) -> float:
    """Return what a process and its children hold, pages that they share counted once."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    total = 0
    for process in [str(parent), *children]:
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += int(re.search(r"^Pss: +(\d+)", text, re.MULTILINE)[1])  # type: ignore[index]
    return total * 1024 / 1e6


def start(model: Path, words: list[str]) -> tuple[subprocess.Popen[str], str]:
    """Return a running server and its address."""
    code = "from instrumentarium.commands.app import app; app()"
    command = [sys.executable, "-c", code, "serve", "--model", str(model), "--port", "0", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if match := re.search(r"running on (http://[\d.]+:\d+)", line):
            threading.Thread(target=process.stderr.read, daemon=True).start()  # what it says must go somewhere
            return process, match[1]
    raise SystemExit("the server did not start:\n" + "".join(said))


def measure(model: Path, count: int, seconds: float, words: list[str]) -> dict[str, Any]:
    """Return all measurements."""
    files = recordings()
    process, url = start(model, words)
    held: list[float] = []
    try:
        clients = Clients(url, files)
        threads = [threading.Thread(target=clients.run, args=(number,)) for number in range(count)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        while time.perf_counter() - began < seconds and process.poll() is None:
            held.append(memory_mb(process.pid))
            time.sleep(POLL_S)
        clients.stop.set()
        for thread in threads:
            thread.join()
        took_s = time.perf_counter() - began
        ended = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        process.wait(180)
        drained_s = time.perf_counter() - ended
    finally:
        process.kill()
    fifth = max(1, len(held) // 5)
    p50, p95, p99 = np.percentile(clients.seconds, [50, 95, 99]) if clients.seconds else [float("nan")] * 3
    return {
        "clients": count,
        "seconds": round(took_s, 1),
        "cores": len(os.sched_getaffinity(0)),
        "requests": sum(clients.statuses.values()),
        "by_status": dict(sorted(clients.statuses.items())),
        "errors": dict(clients.errors),
        "p50_s": round(float(p50), 3),
        "p95_s": round(float(p95), 3),
        "p99_s": round(float(p99), 3),
        "rate": round(len(clients.seconds) / took_s, 1),
        "real_time": round(clients.audio_s / took_s),
        "memory_max_mb": round(max(held)),
        "memory_first_mb": round(sum(held[:fifth]) / fifth),
        "memory_last_mb": round(sum(held[-fifth:]) / fifth),
        "drained_s": round(drained_s, 1),
        "exit_status": process.returncode,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("data/model"), help="a model's folder")
    parser.add_argument("--clients", type=int, default=64, help="at once")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("words", nargs="*", help="options of the server, behind --")
    options = parser.parse_args()
    print(json.dumps(measure(options.model, options.clients, options.seconds, options.words)))


if __name__ == "__main__":
    main()
