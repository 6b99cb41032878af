"""Publishers' archives in the user's cache, each once, keyed by its md5: fetched, verified, linked into the checkout.

A download goes to a `.part` file, is resumed where it broke off, and gets its name only when it is verified. Whatever
is not the published archive is kept aside and named; what lies in the user's own folder is never touched.
"""

import contextlib
import fcntl
import gzip
import logging
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from instrumentarium.acquisition import licences
from instrumentarium.acquisition.disk import Need, can_link, can_link_from, link, shortage, size
from instrumentarium.acquisition.transfer import TransferError, discard, remote_length, size_of, transfer
from instrumentarium.acquisition.unpacked import find_unpacked, list_unpacked
from instrumentarium.corpora.source.archives import ArchiveError
from instrumentarium.corpora.source.card import Archive, Card
from instrumentarium.corpora.source.unpacked import LISTING, listing_of
from instrumentarium.runtime.cache import VARIABLE, cache_folder
from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.runtime.files import write_text_atomically

logger = logging.getLogger(__name__)


def provide(card: Card, folder: Path, own: Path | None) -> None:
    """Put every archive of a published corpus, and LICENSES.md, into `folder`.

    An archive is taken from `own`, a folder of the user's, where that holds a file of its name or, unpacked, its content,
    in whose place a listing is put; else from the user's cache; else from the publisher. What is there already is verified
    before anything is fetched, and that all will fit on the disk is checked before the first byte.

    Raises:
        ArchiveError: if an archive cannot be fetched, does not fit on the disk or is not the published one.
    """
    if own is not None and not own.is_dir():
        raise ArchiveError(
            f"download.archives in params.yaml names {own}, which is no folder; name the folder that holds your archives, "
            "or set it to null"
        )
    licences.show_once(card)
    paths: dict[Archive, Path] = {}
    listings: dict[Archive, pd.DataFrame] = {}
    for archive in card.archives:
        unpacked = None if own is None else find_unpacked(archive, own)
        if unpacked is not None:
            listings[archive] = list_unpacked(archive, unpacked, card.corpus)
            continue
        path = paths[archive] = kept_at(archive, card.corpus)
        if own is not None and (own / archive.name).exists():
            path = paths[archive] = own / archive.name
            _verify_own(archive, path, card.corpus)
        elif path.exists():
            with _alone(path, card.corpus):
                _verify_or_set_aside(archive, path, path, card.corpus)  # someone may have put it there by hand
    missing = [archive for archive, path in paths.items() if not path.exists()]
    _refuse_requested([archive for archive in missing if archive.on_request], card)
    there = [path for path in paths.values() if path.exists()]
    needs = [(folder, path.stat().st_size) for path in there if not can_link(path, folder)]
    copy_to = None if not missing or can_link_from(_archives(), folder) else folder
    for archive in missing:
        length = remote_length(archive.url) or archive.about_bytes
        needs += _needs(paths[archive], length - size_of(_part(paths[archive])), copy_to)
    _require_space(needs, card.title, card.corpus)
    for archive in missing:
        download(archive, paths[archive], card.corpus, copy_to)
    for archive, path in paths.items():
        listing_of(folder, archive.name).unlink(missing_ok=True)
        link(path, folder / archive.name)
    for archive, listing in listings.items():
        (folder / archive.name).unlink(missing_ok=True)
        LISTING.write(listing_of(folder, archive.name), listing)
    unpacked_names = [archive.name for archive in listings]
    write_text_atomically(folder / licences.FILE, licences.published(card, unpacked_names))


def _refuse_requested(missing: list[Archive], card: Card) -> None:
    """Refuse to go on without archives that nobody can fetch without having asked for them."""
    if missing:
        names = ", ".join(archive.name for archive in missing)
        raise ArchiveError(
            f"{card.title} is given on request only, and {names} is missing: ask for it at "
            f"{', '.join(dict.fromkeys(archive.url for archive in missing))}, put it, packed or unpacked, into a folder of "
            f"yours, name that folder as download.archives in params.yaml, and run `dvc repro download@{card.corpus}`"
        )


def kept_at(archive: Archive, corpus: str) -> Path:
    """Return where an archive lies in the user's cache."""
    return _archives() / (archive.md5 or corpus) / archive.name


def download(
    archive: Archive,
    path: Path,
    corpus: str,
    copy_to: Path | None = None,
    *,
    instead: str = "put the file into a folder of yours and name that folder as download.archives in params.yaml",
) -> None:
    """Fetch one archive to `path`, going on from an earlier attempt's `.part` file.

    Another process that is at the same archive is waited for. `copy_to` names a folder that will need a copy of it;
    `instead` says what one can do who cannot fetch it.

    Raises:
        ArchiveError: if the server can't be reached or answers with an error, if the disk is too small, or if what came
            is not the published archive; then it is kept aside as `.wrong`.
    """
    with _alone(path, corpus):
        if path.exists():
            _verify_or_set_aside(archive, path, path, corpus)  # the other process was quicker
            return
        part = _part(path)
        logger.info("fetching %s from %s", archive.name, archive.url)
        try:
            encoding = transfer(
                archive.url, part, lambda n_bytes: _require_space(_needs(path, n_bytes, copy_to), archive.name, corpus)
            )
        except TransferError as error:
            raise ArchiveError(
                f"{archive.name} could not be fetched from {archive.url}: {error}. What came so far is kept: check the "
                f"connection and run `dvc repro download@{corpus}` again, or {instead}"
            ) from error
        _undo_encoding(archive, part, encoding)
        _verify_or_set_aside(archive, part, path, corpus)
        part.replace(path)
        discard(part)  # its metadata


def verify(archive: Archive, path: Path) -> None:
    """Check that the file at `path` is the published archive.

    Raises:
        ArchiveError: if it is not or cannot be read; the message gives both checksums, or what is wrong inside.
    """
    try:
        found = None if archive.md5 is None else md5_of_file(path)
        problem = None if archive.content_problem is None else archive.content_problem(path)
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {error.strerror}") from error
    if found != archive.md5:
        problem = f"md5 {archive.md5} expected, {found} found in {size(path.stat().st_size)}"
    if problem is not None:
        raise ArchiveError(f"{archive.name} is not the published archive, or is damaged: {problem}")


def _verify_own(archive: Archive, path: Path, corpus: str) -> None:
    try:
        verify(archive, path)
    except ArchiveError as error:
        raise ArchiveError(
            f"{error}. It lies in the folder that download.archives in params.yaml names, as {path}, and was left as it "
            f"is: put the right file there, or take it away to have it fetched, and run `dvc repro download@{corpus}`"
        ) from error


def _verify_or_set_aside(archive: Archive, found: Path, path: Path, corpus: str) -> None:
    try:
        verify(archive, found)
    except ArchiveError as error:
        wrong = found.replace(path.with_name(f"{path.name}.wrong"))
        discard(found)  # its metadata
        raise ArchiveError(
            f"{error}. It came from {archive.url} and was kept as {wrong}; run `dvc repro download@{corpus}` to fetch it "
            "anew"
        ) from error


def _undo_encoding(archive: Archive, part: Path, encoding: str) -> None:
    """Replace `part` by its gunzipped content where that is the archive.

    Some servers call every .tgz "encoded": then the bytes that came are the archive as they are.
    """
    if encoding not in {"gzip", "x-gzip"}:
        return None
    with contextlib.suppress(ArchiveError):
        return verify(archive, part)
    decoded = part.with_name(f"{part.name}.decoded")
    try:
        with gzip.open(part) as source, decoded.open("wb") as target:
            shutil.copyfileobj(source, target)
        verify(archive, decoded)
        decoded.replace(part)
    except (ArchiveError, OSError, EOFError, zlib.error) as error:
        logger.warning("%s came with Content-Encoding %s, which could not be undone: %s", archive.name, encoding, error)
    finally:
        decoded.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(path: Path, corpus: str) -> Iterator[None]:
    """Keep other processes away from `path` meanwhile; its lock file stays, since removing it would let two in."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f"{path.name}.lock").open("w")
    except OSError as error:
        raise ArchiveError(
            f"{path.parent} cannot be written to ({error.strerror}); make it writable, or move the cache with ${VARIABLE}, "
            f"and run `dvc repro download@{corpus}`"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.warning("another process is at %s; waiting for it", path)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _archives() -> Path:
    return cache_folder() / "archives"


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _needs(path: Path, n_bytes: int, copy_to: Path | None) -> list[Need]:
    """Return what space the rest of an archive needs: where it is kept, and for a copy of all of it."""
    n_bytes = max(0, n_bytes)
    return [(path.parent, n_bytes), *([] if copy_to is None else [(copy_to, size_of(_part(path)) + n_bytes)])]


def _require_space(needs: list[Need], name: str, corpus: str) -> None:
    problem = shortage(needs)
    if problem is not None:
        raise ArchiveError(
            f"{name} does not fit on the disk: {problem}. Free some space, or move the cache with ${VARIABLE}; then run "
            f"`dvc repro download@{corpus}`, which goes on from what has come so far"
        )
