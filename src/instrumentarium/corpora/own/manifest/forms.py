"""Which form the user's data have: found out from what lies there, where nobody says.

Three forms: a CSV table (table.py), a folder for every class (folders.py), audio with a text file each (texts.py).
"""

from pathlib import Path

from instrumentarium.corpora.own.manifest.entry import Entry, OwnDataError
from instrumentarium.corpora.own.manifest.files import File, list_files
from instrumentarium.corpora.own.manifest.folders import class_folders, entries_of_folders
from instrumentarium.corpora.own.manifest.table import SUFFIXES, entries_of_table
from instrumentarium.corpora.own.manifest.texts import entries_of_texts, has_texts, names_in_texts
from instrumentarium.corpora.own.params import Absent, OwnForm
from instrumentarium.tables.spelling import plain

FORMS = "a CSV table, a folder that has a folder for every instrument, or a folder of audio files with a .txt each"


def read_entries(where: Path, form: OwnForm, absent: Absent) -> list[Entry]:
    """Return what is said of every file of the data at `where`.

    Raises:
        OwnDataError: if there is nothing at `where`, its form cannot be found out, or its labels cannot be understood.
    """
    try:
        if not where.exists():
            raise OwnDataError(
                f"your own data are not there: {where.absolute()} does not exist; `path` must be {FORMS}, absolute or from "
                "the repository's root (absolute for a queued experiment, which runs in a folder of its own)"
            )
        if where.is_file():
            _check_table(where, form)
            return entries_of_table(where, absent)
        files = list_files(where)
        found = _form_of(where, files) if form == "auto" else form
        if found == "table":
            raise OwnDataError(f"form is `table`, and {where} is a folder; `path` must name the table itself")
        entries = (
            entries_of_folders(where, files, absent) if found == "folders" else entries_of_texts(where, files, absent)
        )
    except OSError as error:
        raise OwnDataError(f"{error.filename or where} cannot be read: {error.strerror}") from error
    if all(entry.reason for entry in entries):
        raise OwnDataError(f"{where} holds no audio with labels among its {len(files)} files; `path` must be {FORMS}")
    return entries


def _check_table(where: Path, form: OwnForm) -> None:
    if form not in ("auto", "table"):
        raise OwnDataError(f"form is `{form}`, and {where} is a file; `path` must name the folder")
    if form == "auto" and where.suffix.lower() not in SUFFIXES:
        raise OwnDataError(
            f"{where} is a file, but no table by its name ({', '.join(sorted(SUFFIXES))}); `path` must be {FORMS}. "
            "If it is a table, set `form` to table"
        )


def _form_of(where: Path, files: list[File]) -> OwnForm:
    """Return the one form that the folder may have.

    Raises:
        OwnDataError: if there is none, or more than one.
    """
    tables = sorted(str(file.path) for file in files if len(file.path.parts) == 1 and file.suffix in SUFFIXES)
    folders = sorted({file.path.parts[0] for file in files if len(file.path.parts) > 1})
    classes = class_folders(files)
    if has_texts(files):  # then folders are classes only where they are called what the texts name
        named = names_in_texts(where, files)
        classes = [name for name in classes if plain(name) in named]
    signs: dict[str, str] = {}
    if tables:
        signs[f"`path: {where / tables[0]}`"] = f"a table ({', '.join(tables)})"
    if classes:
        signs["`form: folders`"] = f"folders of instruments ({', '.join(classes)})"
    if has_texts(files):
        signs["`form: texts`"] = "text files beside audio files"
    if len(signs) == 1 and not tables:
        return "folders" if classes else "texts"
    if signs:
        raise OwnDataError(f"{where} holds {' and '.join(signs.values())}; say which counts, with {' or '.join(signs)}")
    raise OwnDataError(
        f"{where} is none of the known forms: {FORMS}. Found {len(files)} files in it, and the folders "
        f"{', '.join(folders[:10]) or '(none)'}"
    )
