"""Writing files so that a reader sees the old content or the new one, never half of either.

Every writer here fills a temporary neighbour and renames it into place, and gives equal content equal bytes.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

SET_ASIDE = "earlier"
"""Where `replace_together` puts what was there before."""


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path`, on any error it is removed.

    The parent folder is made when missing. `path` keeps its earlier content until the very end.
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
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_together(staging: Path, folder: Path, names: Sequence[str]) -> None:
    """Move the files or folders `names` from `staging` into `folder`; on any error `folder` is what it was.

    The first name is the seal: the first to go and the last to come. So even when the process is killed halfway, a folder
    that has its seal holds everything of one version. What was there before ends up in `staging`, under SET_ASIDE, and
    must lie on the same file system.
    """
    aside = staging / SET_ASIDE
    aside.mkdir()
    try:
        for name in names:
            if os.path.lexists(folder / name):
                (folder / name).replace(aside / name)
        for name in reversed(names):
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

    On any error `folder` is what it was, and what was written is removed. The first name is the seal of
    `replace_together`. `folder` is made when missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".staged.", dir=folder) as staging:
        yield Path(staging)
        replace_together(Path(staging), folder, names)


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put `files`, name to content, in place of the whole earlier content of `folder`, all of it or nothing."""
    with staged(folder.parent, [folder.name]) as staging:
        (staging / folder.name).mkdir()
        for name, content in sorted(files.items()):
            (staging / folder.name / name).write_bytes(content)


def write_text_atomically(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with the line ends it has."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def write_json(path: Path, content: Mapping[str, object] | Sequence[object], *, sort_keys: bool = True) -> None:
    """Write strict JSON (no NaN, no infinity), indented, with a final newline.

    Raises:
        ValueError: if a number is not finite, since JSON has no word for it.
    """
    text = json.dumps(content, allow_nan=False, ensure_ascii=False, indent=2, sort_keys=sort_keys)
    write_text_atomically(path, text + "\n")
