"""Archives that their user has unpacked: found, listed and held to what was published.

Publishers state the md5 of archives, not of the files in them. So what can be verified is names and counts; the listing
then pins the bytes that were found. Nothing in the user's folder is changed.
"""

import os
import tempfile
from collections import Counter
from pathlib import Path

import pandas as pd

from instrumentarium.corpora.source.archives import MEMBERS, ArchiveError
from instrumentarium.corpora.source.card import Archive
from instrumentarium.corpora.source.members import nfc
from instrumentarium.corpora.source.unpacked import LISTING, UnpackedMembers, listing_of
from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.runtime.progress import progress_bar


def find_unpacked(archive: Archive, own: Path) -> Path | None:
    """Return the folder in `own` that holds an archive's content, or None; where the archive lies there too, it goes first.

    Programs that unpack each archive into a folder of its name leave two folders of one name, one in the other.
    """
    if (own / archive.name).exists():
        return None
    folder = next((own / name for name in archive.unpacked if (own / name).is_dir()), None)
    if folder is not None and (folder / archive.unpacked[0]).is_dir():
        return folder / archive.unpacked[0]
    return folder


def list_unpacked(archive: Archive, folder: Path, corpus: str) -> pd.DataFrame:
    """Return the listing of an archive's content in `folder`; every file is read once, for its md5.

    What its parser does not ask for, such as features, is not listed.

    Raises:
        ArchiveError: if a file cannot be read or named, or names and counts are not those published.
    """
    try:
        files = _files(folder, archive.suffixes)
        top = archive.unpacked[0]
        rows = []
        with progress_bar(f"list {folder.name}", "files", total=len(files)) as bar:
            for file in files:
                name = nfc(f"{top}/{file.relative_to(folder).as_posix()}")
                rows.append((name, _portable(file), file.stat().st_size, md5_of_file(file)))
                bar.update()
    except OSError as error:
        raise _refused(archive, folder, corpus, f"{error.filename} cannot be read: {error.strerror}") from error
    repeated = [name for name, count in Counter(row[0] for row in rows).items() if count > 1]
    if repeated:
        problem = f"{repeated[0]} is there twice, in two Unicode forms of the same name"
        raise _refused(archive, folder, corpus, problem)
    listing = pd.DataFrame(rows, columns=list(LISTING.columns))
    with tempfile.TemporaryDirectory() as staging:
        path = listing_of(Path(staging), archive.name)
        LISTING.write(path, listing)
        members = UnpackedMembers(path, corpus)
    try:
        found = None if archive.unpacked_problem is None else archive.unpacked_problem(members)
    except ArchiveError as error:
        raise _refused(archive, folder, corpus, str(error)) from error
    if found is not None:
        raise _refused(archive, folder, corpus, found)
    return listing


def _files(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """Return the files of these suffixes, sorted; what git keeps of a clone is passed over.

    Raises:
        OSError: if a folder cannot be read, or a name is not UTF-8, or there are more files than an archive has.
    """

    def refuse(error: OSError) -> None:
        raise error

    files: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        folders[:] = [name for name in folders if name != ".git"]
        files += [Path(parent) / name for name in names if Path(name).suffix in suffixes]
        if len(files) > MEMBERS:
            raise OSError(0, f"it has more than {MEMBERS} files", str(folder))
    for file in files:
        if not file.as_posix().isprintable():
            raise OSError(0, "its name is not printable UTF-8", ascii(file.as_posix()))
    return sorted(files)


def _portable(file: Path) -> str:
    """Return an absolute path; below the home folder, one from `~`, which is the same on every machine."""
    home = Path.home()
    return f"~/{file.relative_to(home).as_posix()}" if file.is_relative_to(home) else file.absolute().as_posix()


def _refused(archive: Archive, folder: Path, corpus: str, problem: str) -> ArchiveError:
    return ArchiveError(
        f"{folder} does not hold the files of {archive.name} as published: {problem}. It lies in the folder that "
        f"download.archives in params.yaml names, and was left as it is: unpack the archive anew, which gives the folder "
        f"{archive.unpacked[0]}, or take the folder away to have that fetched; then run `dvc repro download@{corpus}`"
    )
