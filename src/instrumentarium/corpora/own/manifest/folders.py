"""Own data as a folder for every class: what lies below `cello/` has cello, what lies below `none/` no instrument."""

from instrumentarium.corpora.own.manifest.entry import Entry, refuse
from instrumentarium.corpora.own.manifest.files import File
from instrumentarium.corpora.own.manifest.names import InstrumentNameError, labels_from
from instrumentarium.corpora.own.params import Absent


def class_folders(files: list[File]) -> list[str]:
    """Return the folders right below the root that hold audio, sorted: each may be a class."""
    return sorted({file.path.parts[0] for file in files if len(file.path.parts) > 1 and file.is_audio})


def entries_of_folders(root: object, files: list[File], absent: Absent) -> list[Entry]:
    """Return every file below the class folders of `root`; how folders go on below them is the user's affair.

    Raises:
        OwnDataError: if a folder with files right below `root` has a name that contradicts itself.
    """
    labels: dict[str, dict[str, bool]] = {}
    mistakes: list[str] = []
    for name in sorted({file.path.parts[0] for file in files if len(file.path.parts) > 1}):
        try:
            labels[name] = labels_from(name, absent)
        except InstrumentNameError as error:
            mistakes.append(f"folder {name}: {error}")
    refuse(root, mistakes)
    return [_entry(file, labels) for file in files]


def _entry(file: File, labels: dict[str, dict[str, bool]]) -> Entry:
    path = str(file.path)
    if len(file.path.parts) == 1:
        return Entry(path, reason="it lies in no instrument's folder")
    if not file.is_audio:
        return Entry(path, reason=file.why_not_audio())
    return Entry(path, labels[file.path.parts[0]])
