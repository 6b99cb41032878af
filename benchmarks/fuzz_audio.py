"""Damaged audio through the one decoder: prints one line of JSON, {tried, decoded, refused, crashed, hung, …}.

    python benchmarks/fuzz_audio.py [--count 10000] [--seed 0] [--memory-mb 2000] [--seconds 20]

Small WAV, FLAC, Ogg Vorbis, Opus, MP3, AIFF and M4A files, made in this run, are damaged: bits and numbers of their heads
changed, bytes anywhere, pieces cut out, repeated, moved, ends cut off; in half of the cases the
pages of Ogg get right checksums again. A child process decodes one after the other under a limit of memory, and the
parent watches the time. `decoded` and `refused` (with a reason) are what should come; `crashed`
counts cases that ended the child or raised something else, `hung` those beyond the time; both are named in `bad` by their
numbers, and `--only NUMBER` tries one again. `chatter_bytes` is what libraries wrote to standard error. Case and damage
depend on seed and number alone.
"""

import argparse
import contextlib
import io
import json
import os
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import av
import numpy as np
import soundfile

from instrumentarium.decoding import ogg
from instrumentarium.decoding.pcm import AudioError
from instrumentarium.ingestion.audio import decode_clip
from instrumentarium.runtime.memory import peak_mb

KINDS = ("wav", "flac", "ogg", "opus", "mp3", "mp3 without length", "aiff", "m4a")
EXTREMES = (0, 1, 0x7F, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
HEAD = 200
"""Bytes at the start, where most of what a decoder believes stands."""


def made() -> list[bytes]:
    """Return a small healthy file of each of KINDS."""
    rng = np.random.default_rng(0)
    time_s = np.arange(16000) / 16000
    sound = 0.2 * np.sin(2 * np.pi * 440 * time_s)[:, None] + 0.05 * rng.standard_normal((16000, 2))
    files = [_by_libsndfile(sound, *kind) for kind in (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"))]
    files.append(_by_libsndfile(sound, "OGG", "OPUS"))
    files += [_by_ffmpeg(sound, "mp3", "libmp3lame", {"write_xing": xing}) for xing in ("1", "0")]
    return [*files, _by_libsndfile(sound, "AIFF", "PCM_16"), _by_ffmpeg(sound, "mp4", "aac", {})]


def _by_libsndfile(sound: np.ndarray, kind: str, subtype: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, 16000, format=kind, subtype=subtype)
    return buffer.getvalue()


def _by_ffmpeg(sound: np.ndarray, kind: str, codec: str, options: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind, options=options) as output:
        stream = output.add_stream(codec, rate=16000, layout="stereo")
        resampler = av.AudioResampler(stream.codec_context.codec.audio_formats[0].name, "stereo", 16000)
        frame = av.AudioFrame.from_ndarray(sound.astype(np.float32).reshape(1, -1), "flt", "stereo")
        frame.sample_rate = 16000
        for ready in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(ready))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def damaged(files: list[bytes], seed: int, number: int) -> tuple[int, bytes]:
    """Return which of `files` case `number` is made of, and its bytes."""
    rng = np.random.default_rng([seed, number])
    kind = number % len(files)
    data = bytearray(files[kind])

    def place(*, head: bool = False) -> int:
        return int(rng.integers(min(len(data), HEAD) if head else len(data)))

    for _ in range(int(rng.integers(1, 4))):
        if len(data) < 16:
            break
        match int(rng.integers(9)):
            case 0:
                data[place(head=True)] ^= 1 << int(rng.integers(8))
            case 1:
                size, at = int(rng.choice([1, 2, 4])), place(head=True)
                value = int(rng.choice(EXTREMES)) & (1 << 8 * size) - 1
                data[at : at + size] = value.to_bytes(size, "little" if rng.integers(2) else "big")
            case 2:
                for _ in range(int(rng.integers(1, 30))):
                    data[place()] = int(rng.integers(256))
            case 3:
                del data[max(1, place()) :]
            case 4:
                at = place()
                del data[at : at + int(rng.integers(1, 2000))]
            case 5:
                at, onto = place(), place()
                data[onto:onto] = data[at : at + int(rng.integers(1, 2000))]
            case 6:
                at = place()
                data[at:at] = rng.bytes(int(rng.integers(1, 2000)))
            case 7:
                at = place()
                data[at : at + int(rng.integers(1, 500))] = bytes(int(rng.integers(1, 500)))
            case _:
                data += files[int(rng.integers(len(files)))][place() if rng.integers(2) else 0 :]
    if rng.integers(2):
        restore_checksums(data)
    return kind, bytes(data)


def restore_checksums(data: bytearray) -> None:
    """Give the pages of Ogg, damaged or not, the right checksums: else no decoder would see the damage."""
    at = data.find(ogg.MAGIC)
    while at >= 0:
        head = at + ogg.HEADER + (data[at + 26] if at + 26 < len(data) else 0)
        stop = head + sum(data[at + ogg.HEADER : head])
        if stop <= len(data):
            data[at + 22 : at + 26] = bytes(4)
            data[at + 22 : at + 26] = ogg.checksum(bytes(data[at:stop])).to_bytes(4, "little")
        at = data.find(ogg.MAGIC, at + 4)


def work(files_at: Path, first: int, count: int, seed: int, memory_mb: int) -> None:
    """Decode cases `first` to `count`, and write a line about each to standard output."""
    files = [path.read_bytes() for path in sorted(files_at.iterdir())]
    decode_clip(files[0], 32000)  # what libraries take at first use is no case's
    limit = memory_mb * 1_000_000
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    for number in range(first, count):
        _, data = damaged(files, seed, number)
        try:
            decode_clip(data, 32000)
            outcome = "decoded"
        except AudioError:
            outcome = "refused"
        except BaseException as error:
            outcome = f"crashed {type(error).__name__}: {error}".replace("\n", " ")
        os.write(1, f"{number} {peak_mb():.0f} {outcome}\n".encode())


def lines_of(process: subprocess.Popen[bytes], seconds: float) -> Iterator[str | None]:
    """Yield the lines of a process as they come; None, and no more, where one takes longer than `seconds`."""
    assert process.stdout is not None
    rest, begun = b"", time.monotonic()
    while True:
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, begun + seconds - time.monotonic()))
        if not ready:
            yield None
            return
        data = os.read(process.stdout.fileno(), 1 << 16)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            begun = time.monotonic()
            yield line.decode("utf-8", "replace")


def fuzz(first: int, count: int, seed: int, memory_mb: int, seconds: float) -> dict[str, object]:
    """Return what came of cases `first` to `count`."""
    outcomes: Counter[str] = Counter()
    by_kind: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    bad: list[str] = []
    most_mb, number, began = 0, first, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as chatter:
        for place, data in enumerate(made()):
            (Path(folder) / str(place)).write_bytes(data)
        while number < count:
            command = [sys.executable, __file__, "--child", folder, "--only", str(number), "--count", str(count)]
            command += ["--seed", str(seed), "--memory-mb", str(memory_mb)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=chatter) as process:
                outcome = "crashed"
                for line in lines_of(process, seconds):
                    if line is None:
                        outcome = "hung"
                        break
                    found, held, said = line.split(" ", 2)
                    number, most_mb = int(found) + 1, max(most_mb, int(held))
                    outcomes[said.split()[0]] += 1
                    by_kind[KINDS[int(found) % len(KINDS)]][said.split()[0]] += 1
                    if said.startswith("crashed"):
                        bad.append(f"{found}: {said}")
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            if number < count:  # the child did not come to its end
                outcomes[outcome] += 1
                by_kind[KINDS[number % len(KINDS)]][outcome] += 1
                bad.append(f"{number}: {outcome}, exit status {process.returncode}")
                number += 1
        said_bytes = chatter.seek(0, os.SEEK_END)
    names = ("decoded", "refused", "crashed", "hung")
    return {
        "tried": count - first,
        **{name: outcomes[name] for name in names},
        "by_kind": {kind: {name: found[name] for name in names} for kind, found in by_kind.items()},
        "bad": bad[:20],
        "chatter_bytes": said_bytes,
        "peak_rss_mb": most_mb,
        "seconds": round(time.perf_counter() - began, 1),
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="of cases")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory-mb", type=int, default=2000, help="the child may hold, libraries aside")
    parser.add_argument("--seconds", type=float, default=20.0, help="a case may take; starting the child counts")
    parser.add_argument("--only", type=int, default=None, help="number of the one case to try")
    parser.add_argument("--child", type=Path, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        work(options.child, options.only, options.count, options.seed, options.memory_mb)
        return
    first = options.only or 0
    count = options.count if options.only is None else first + 1
    print(json.dumps(fuzz(first, count, options.seed, options.memory_mb, options.seconds)))


if __name__ == "__main__":
    main()
