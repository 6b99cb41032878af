"""Files of a Git revision or a DVC experiment, copied out of it as they lie in the repository.

DVC's own file system finds them: what Git keeps in Git, the stages' outputs by dvc.lock in DVC's cache, else in its remote.
Where a branch and an experiment share a name, the branch is meant.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from instrumentarium.runtime.errors import UserError

if TYPE_CHECKING:
    from dvc.api import DVCFileSystem

SHORT = 7
"""Digits of a commit's id that people read."""


class RevisionError(UserError, ValueError):
    """Something of a revision cannot be had; the message says what, and what to do."""


class UnknownRevisionError(RevisionError):
    """There is no such revision or experiment here, or no repository under Git and DVC."""


class NotMadeError(RevisionError):
    """The revision has no such file: neither its commit nor its dvc.lock knows it."""


class LostOutputError(RevisionError):
    """The file was made, but is neither in DVC's cache nor in its remote."""


@dataclass(frozen=True)
class Revision:
    """A revision whose files can be copied; made by `open_revision`.

    Attributes:
        name: as the user named it.
        commit: the whole id of its commit.
    """

    name: str
    commit: str
    _files: "DVCFileSystem"

    @property
    def short(self) -> str:
        """The beginning of the commit's id."""
        return self.commit[:SHORT]

    def has(self, path: Path) -> bool:
        """Return whether the commit or its dvc.lock knows the file or folder `path`."""
        return bool(self._files.exists(path.as_posix()))

    def folders(self, path: Path) -> list[str]:
        """Return the names of the folders in the folder `path`, sorted.

        Raises:
            NotMadeError: if there is no such folder.
        """
        return [name for name, is_folder in self._entries(path) if is_folder]

    def files(self, path: Path) -> list[str]:
        """Return the names of the files in the folder `path`, sorted.

        Raises:
            NotMadeError: if there is no such folder.
        """
        return [name for name, is_folder in self._entries(path) if not is_folder]

    def fetch(self, path: Path, folder: Path) -> None:
        """Copy the file or folder `path` to the same path below `folder`.

        Raises:
            NotMadeError: if the revision has no `path`.
            LostOutputError: if it was made, and its content is not to be had here.
        """
        if not self.has(path):
            raise self._not_made(path)
        if self._files.isdir(path.as_posix()):
            (folder / path).mkdir(parents=True, exist_ok=True)
            for name, _ in self._entries(path):
                self.fetch(path / name, folder)
            return
        self._copy(path, folder / path)

    def _copy(self, path: Path, target: Path) -> None:
        from dvc.exceptions import DvcException

        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._files.open(path.as_posix(), "rb") as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy)
        except (DvcException, OSError) as error:
            raise self._lost(path, error) from error

    def _entries(self, path: Path) -> list[tuple[str, bool]]:
        from dvc_data.index import DataIndexDirError

        try:
            entries = self._files.ls(path.as_posix(), detail=True)
        except FileNotFoundError as error:
            raise self._not_made(path) from error
        except DataIndexDirError as error:  # the list of the folder's files is itself an object of the cache
            raise self._lost(path, error) from error
        return sorted((Path(entry["name"]).name, entry["type"] == "directory") for entry in entries)

    def _not_made(self, path: Path) -> NotMadeError:
        return NotMadeError(
            f"{self.name} has no {path}: neither its commit nor its dvc.lock knows it; check that revision out, run "
            "`dvc repro` and commit dvc.lock"
        )

    def _lost(self, path: Path, error: Exception) -> LostOutputError:
        return LostOutputError(
            f"{path} of {self.name} was made, but it is neither in DVC's cache nor in a remote here "
            f"({first_line(error)}); if there is a remote, run `dvc fetch --all-commits`, or `dvc exp pull` for an "
            "experiment; else make it again: check that revision out and run `dvc repro`, or run the experiment anew with "
            "`dvc exp run`"
        )


@contextmanager
def open_revision(repository: Path, name: str) -> Iterator[Revision]:
    """Yield the revision `name` of the repository that `repository` lies in.

    Args:
        repository: a folder under Git and DVC; the repository's root is looked for upward from it.
        name: a branch, tag, commit or experiment.

    Raises:
        UnknownRevisionError: if there is no such revision, or no such repository.
    """
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from scmrepo.exceptions import SCMError

    try:
        root = Repo.find_root(str(repository))
    except DvcException as error:
        raise UnknownRevisionError(
            f"{name!r} is no revision: there is no DVC repository here; go to its folder"
        ) from error
    files = DVCFileSystem(repo=root, rev=name)
    try:
        commit = str(files.repo.get_rev())
    except (DvcException, SCMError, OSError) as error:
        raise UnknownRevisionError(
            f"{name!r} is no revision or experiment of this repository ({first_line(error)}); `git log` and "
            "`dvc exp list --all-commits` name them"
        ) from error
    try:
        yield Revision(name, commit, files)
    finally:
        files.close()


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its kind where it says nothing."""
    return (str(error) or type(error).__name__).splitlines()[0]
