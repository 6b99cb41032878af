"""From what stands on the command line to the audio files meant: files, folders, patterns."""

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from instrumentarium.runtime.errors import UserError

SUFFIXES = frozenset(
    ".wav .wave .flac .ogg .oga .opus .mp3 .mp2 .aif .aiff .aifc .au .snd .caf .w64 .rf64 "
    ".m4a .mp4 .m4v .mov .aac .wma .mkv .mka .webm .avi".split()
)
"""What a folder is searched for; a file that is named itself may end as it likes."""


class NoAudioError(UserError, FileNotFoundError):
    """A folder or a pattern leads to no audio file."""


def readable_name(path: Path) -> str:
    """Return a path as text that any encoding can write: bytes that are no UTF-8 by their number."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


STDIN = "-"
"""How standard input is named."""


@contextmanager
def spooled(words: Sequence[str], stdin: BinaryIO) -> Iterator[tuple[list[str], Path | None]]:
    """Yield `words` with standard input, where it is among them, as a temporary file; and that file."""
    if STDIN not in words:
        yield list(words), None
        return
    with tempfile.TemporaryDirectory(prefix="instrumentarium-") as folder:
        path = Path(folder) / "stdin"
        with path.open("wb") as file:
            shutil.copyfileobj(stdin, file)
        yield [str(path) if word == STDIN else word for word in words], path


def find_files(words: Sequence[str]) -> list[Path]:
    """Return the files that `words` name, each once: folders with all below them in order of name, patterns resolved.

    A file that does not exist is among them, so that it is reported beside the others' results.

    Raises:
        NoAudioError: if a folder holds no audio file, or a pattern fits none.
        OSError: if a folder below cannot be read.
    """
    return list(dict.fromkeys(path for word in words for path in _files_of(word)))


def _files_of(word: str) -> Iterator[Path]:
    path = Path(word)
    if path.is_dir():
        found = sorted(_below(path))
        if not found:
            raise NoAudioError(
                f"{readable_name(path)} has no audio file below it; looked for {', '.join(sorted(SUFFIXES))}"
            )
        yield from found
    elif not os.path.lexists(word) and glob.has_magic(word):
        matches = [Path(match) for match in sorted(glob.glob(word, recursive=True))]  # noqa: PTH207 - absolute ones, too
        if not matches:
            raise NoAudioError(f"no file fits the pattern {readable_name(path)}")
        for match in matches:
            yield from sorted(_below(match)) if match.is_dir() else [match]
    else:
        yield path


def _below(folder: Path) -> Iterator[Path]:
    def complain(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=complain):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(place, name)
