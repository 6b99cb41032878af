"""Writing files so that a reader sees the old content or the new one, never half of either.

Every writer here fills a temporary neighbour and renames it into place, and gives equal content equal bytes.
"""

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

SET_ASIDE = "earlier"
"""Where `replace_together` puts what was there before."""


def sync(path: Path) -> None:
    """Return only when the disk holds the content of a file, or the names in a folder, so that no power cut takes them."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # of a file system that has no such order for a folder
            raise
    finally:
        os.close(handle)


def sync_below(folder: Path) -> None:
    """Have the disk hold a folder with all that lies below it."""
    for path in sorted(folder.rglob("*")):
        sync(path)
    sync(folder)


@contextlib.contextmanager
def atomic_path(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path`, on any error it is removed.

    The parent folder is made when missing. `path` keeps its earlier content until the very end. An OSError over the
    temporary file, or over no file in particular, as of a full disk, names `path` instead.

    Args:
        path: the file.
        durable: whether the disk must hold the new content before `path` has it, and its name before this returns: for
            what a run that was cut off goes on from. A rename alone can outlive a power cut that its content does not.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        if durable:
            sync(temporary)
        temporary.replace(path)
        if durable:
            sync(path.parent)
    except OSError as error:
        if error.errno is not None and error.filename in (None, name):
            error.filename = str(path)
        if error.filename2 == name:  # of a copy
            error.filename2 = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def replace_together(staging: Path, folder: Path, names: Sequence[str]) -> None:
    """Move the files or folders `names` from `staging` into `folder`; on any error all of them are what they were.

    The first name is the seal: the first to go and the last to come. So even when the process is killed halfway, a folder
    that has its seal holds everything of one version. What was there before ends up in `staging`, under SET_ASIDE, and
    must lie on the same file system. A name may be a path; folders on the way are made where they are missing.
    """
    aside = staging / SET_ASIDE
    aside.mkdir()
    try:
        for name in names:
            if os.path.lexists(folder / name):
                (aside / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).replace(aside / name)
        for name in reversed(names):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / name).replace(folder / name)
    except BaseException:
        for name in names:
            if os.path.lexists(folder / name) and not os.path.lexists(staging / name):
                (folder / name).replace(staging / name)
        for name in reversed(names):
            if os.path.lexists(aside / name):
                (aside / name).replace(folder / name)
        raise


@contextlib.contextmanager
def staged(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """Yield an empty folder to write the files or folders `names` into; on success they come into `folder` together.

    On any error `folder` is what it was, and what was written is removed; an OSError over a file in the empty folder names
    the file in `folder` that it was to become, and one over no file, as of a full disk, `folder`. The first name is the
    seal of `replace_together`. `folder` is made when missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".staged.", dir=folder) as staging:
        try:
            yield Path(staging)
            replace_together(Path(staging), folder, names)
        except OSError as error:
            _name_without(Path(staging), folder, error)
            raise


def _name_without(staging: Path, folder: Path, error: OSError) -> None:
    """Let an error name the file that a staged one was to become."""
    if error.errno is None:
        return
    if error.filename is None:
        error.filename = str(folder)
    elif isinstance(error.filename, str) and Path(error.filename).is_relative_to(staging):
        error.filename = str(folder / Path(error.filename).relative_to(staging))


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put `files`, name to content, in place of the whole earlier content of `folder`, all of it or nothing."""
    with staged(folder.parent, [folder.name]) as staging:
        (staging / folder.name).mkdir()
        for name, content in sorted(files.items()):
            (staging / folder.name / name).write_bytes(content)


def write_text_atomically(path: Path, text: str, *, durable: bool = False) -> None:
    """Write `text` as UTF-8 with the line ends it has; `durable` as in `atomic_path`."""
    with atomic_path(path, durable=durable) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def write_json(path: Path, content: Mapping[str, object] | Sequence[object], *, sort_keys: bool = True) -> None:
    """Write strict JSON (no NaN, no infinity), indented, with a final newline.

    Raises:
        ValueError: if a number is not finite, since JSON has no word for it.
    """
    text = json.dumps(content, allow_nan=False, ensure_ascii=False, indent=2, sort_keys=sort_keys)
    write_text_atomically(path, text + "\n")


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write a plot's rows as strict JSON, one a line, so that the file stays small and its diff readable.

    Raises:
        ValueError: if a number is not finite.
    """
    lines = ",\n".join(json.dumps(row, allow_nan=False, ensure_ascii=False) for row in rows)
    write_text_atomically(path, f"[\n{lines}\n]\n")
