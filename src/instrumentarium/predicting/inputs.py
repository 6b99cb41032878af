"""From what stands on the command line to the audio files meant: files, folders, patterns."""

import contextlib
import glob
import os
import stat
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
PIPED_BYTES = 1 << 34
"""Bytes that are taken from a pipe, 16 GiB: a day of 16-bit stereo at 44.1 kHz. One without an end would fill the disk."""


class PipeError(UserError, ValueError):
    """A pipe that goes on and on."""


@contextmanager
def spooled(
    words: Sequence[str], stdin: BinaryIO, most_bytes: int = PIPED_BYTES
) -> Iterator[tuple[list[str], dict[Path, str]]]:
    """Yield `words` with a temporary file in the place of each that can be read but once; and what it stands for.

    These are standard input, and pipes, as shells make them of `<(command)`.

    Raises:
        PipeError: if one holds more than `most_bytes`.
        OSError: if one cannot be read, or there is no room for it.
    """
    pipes = [word for word in dict.fromkeys(words) if word == STDIN or _is_pipe(word)]
    if not pipes:
        yield list(words), {}
        return
    with tempfile.TemporaryDirectory(prefix="instrumentarium-") as folder:
        files = {word: Path(folder, "stdin" if word == STDIN else f"pipe-{n}") for n, word in enumerate(pipes)}
        for word, path in files.items():
            with contextlib.nullcontext(stdin) if word == STDIN else Path(word).open("rb") as source:
                _spool(source, path, word, most_bytes)
        yield [str(files.get(word, word)) for word in words], {path: word for word, path in files.items()}


def _is_pipe(word: str) -> bool:
    try:
        return stat.S_ISFIFO(Path(word).stat().st_mode)
    except (OSError, ValueError):  # no file, no name of one: reading it says so
        return False


def _spool(source: BinaryIO, path: Path, word: str, most_bytes: int) -> None:
    with path.open("wb") as file:
        while data := source.read(1 << 20):
            file.write(data)
            if file.tell() > most_bytes:
                name = "standard input" if word == STDIN else readable_name(Path(word))
                raise PipeError(f"{name} holds more than {most_bytes / (1 << 30):g} GiB; save it as a file first")


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
    if os.path.isdir(word):  # noqa: PTH112 - a name too long, or below a closed folder, is that file's error, reported later
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
