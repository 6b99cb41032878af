"""What a model was trained on and how long it took: true of one machine and one run, so no output of the pipeline.

The record lies in the user's cache, by the md5 of the weights. Where they were trained elsewhere there is none.
"""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from instrumentarium.runtime.cache import cache_folder
from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.jsonfile import JsonError, read_json

CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Training:
    """How a model was trained.

    Attributes:
        seconds: that its epochs took, validation included; of an interrupted training those of all its parts.
        epochs: how many there were.
        device: the GPU's name, or the processor's.
        cores: of the processor that this process may use.
        threads: that PyTorch computed with.
        memory_gib: of the machine.
    """

    seconds: float
    epochs: int
    device: str
    cores: int
    threads: int
    memory_gib: float

    def text(self) -> str:
        """Say it in one sentence."""
        hours, minutes = int(self.seconds // 3600), self.seconds % 3600 / 60
        time = (
            f"{hours} h {minutes:.0f} min"
            if hours
            else f"{minutes:.1f} min"
            if minutes >= 1
            else f"{self.seconds:.0f} s"
        )
        return (
            f"Trained in {time} ({self.epochs} epochs) on {self.device}; {self.cores} cores, {self.threads} threads, "
            f"{self.memory_gib:.0f} GiB of memory."
        )


_RECORD: TypeAdapter[Training] = TypeAdapter(Training)


def processor() -> str:
    """Return the processor's name."""
    lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines() if CPU_INFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_gib() -> float:
    """Return the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def remember_training(weights: Path, training: Training) -> None:
    """Keep how `weights` were trained."""
    write_json(_place(weights), _RECORD.dump_python(training, mode="json"))


def recall_training(weights: Path) -> Training | None:
    """Return how `weights` were trained; None where that was not on this machine, or the record is damaged."""
    try:
        return _RECORD.validate_python(read_json(_place(weights)))
    except (FileNotFoundError, JsonError, ValidationError):
        return None


def _place(weights: Path) -> Path:
    return cache_folder() / "trainings" / f"{md5_of_file(weights)}.json"
