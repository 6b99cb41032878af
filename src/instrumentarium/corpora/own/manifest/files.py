"""The files below a folder, and which of them are audio by their names."""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import soundfile

from instrumentarium.corpora.own.manifest.entry import OwnDataError

SUFFIXES = frozenset(f".{name.lower()}" for name in soundfile.available_formats()) | frozenset(
    ".aif .aifc .oga .opus .snd .wave .mp2 .aac .m4a .mp4 .wma .ape .wv .webm .mka".split()
)
"""What libsndfile's formats are called, what else files of them are called, and what FFmpeg reads beside them."""


@dataclass(frozen=True)
class File:
    """A file below the root."""

    path: PurePosixPath  # from the root

    @property
    def suffix(self) -> str:
        """Return what follows the last dot, in lower case, the dot included."""
        return self.path.suffix.lower()

    @property
    def is_audio(self) -> bool:
        """Say whether it is audio that can be read, by its name."""
        return self.suffix in SUFFIXES

    def why_not_audio(self) -> str:
        """Return the reason that a file which is no audio is rejected for."""
        return (
            f"no audio file by its name: it ends with {self.suffix!r}" if self.suffix else "no audio file by its name"
        )


def list_files(root: Path) -> list[File]:
    """Return every file below `root`, sorted by path; links are followed, hidden files and folders left out.

    Raises:
        OwnDataError: if a folder cannot be read.
    """
    found: list[File] = []
    seen: set[str] = set()

    def refuse(error: OSError) -> None:
        raise OwnDataError(f"the folder {error.filename} cannot be read: {error.strerror}") from error

    for folder, folders, names in os.walk(root, onerror=refuse, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link to a folder above it
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = PurePosixPath(Path(folder).relative_to(root).as_posix())
        found += [File(inside / name) for name in names if not name.startswith(".")]
    return sorted(found, key=lambda file: str(file.path))
