"""The process that decodes uploads, under limits of memory, processor time and file size; it runs nothing else.

It says READY, reads a task a line from standard input and answers each with a line: JSON both. It ends when standard input
does.
"""

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

from instrumentarium.decoding.pcm import AudioError
from instrumentarium.decoding.stream import SampleStream

READY = "ready"


def limit(memory_bytes: int, file_bytes: int) -> None:
    """Bound what this process may hold and write; libraries are loaded already."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_processor(seconds: int) -> None:
    """Have the kernel end this process after so many seconds of processor time from now on."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + seconds + 1, hard))


def decode(source: Path, target: Path, sample_rate_hz: int, longest_s: float) -> dict[str, object]:
    """Write the samples of `source` to `target`, int16 in the machine's order; return what came of it."""
    stream = SampleStream.of_file(source, sample_rate_hz)
    try:
        with target.open("wb") as file:
            for block in stream:
                if stream.duration_s > longest_s:
                    return {"outcome": "too long"}
                file.write(block.tobytes())
    except AudioError as error:
        return {"outcome": "refused", "reason": str(error)}
    except MemoryError:
        return {"outcome": "refused", "reason": "decoding takes more memory than the server gives it"}
    return {"outcome": "decoded", "duration_s": stream.duration_s, "silent": stream.silent}


def main() -> None:
    """Answer tasks until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when it is over
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    with Path(os.devnull).open("w") as nowhere:  # decoders' libraries write where they like
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
        os.dup2(nowhere.fileno(), sys.stderr.fileno())
    options = json.loads(sys.argv[1])
    limit(options["memory_bytes"], options["file_bytes"])
    answers.write(READY + "\n")
    answers.flush()
    for line in sys.stdin:
        limit_processor(options["processor_s"])
        task = json.loads(line)
        answer = decode(Path(task["source"]), Path(task["target"]), options["sample_rate_hz"], options["longest_s"])
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
