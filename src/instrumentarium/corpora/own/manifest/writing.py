"""Writing the manifest of own data: what each file is, and what is said of it."""

import os
from pathlib import Path

import pandas as pd

from instrumentarium.corpora.own.manifest.contract import MANIFEST, OWN_LABELS
from instrumentarium.corpora.own.manifest.entry import Entry, OwnDataError, refuse
from instrumentarium.corpora.own.manifest.forms import read_entries
from instrumentarium.corpora.own.params import Absent, OwnForm
from instrumentarium.corpora.source.members import nfc, stem
from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.runtime.progress import progress_bar
from instrumentarium.tables.spelling import plain


def write_manifest(path: str, form: OwnForm, absent: Absent, out: Path) -> str:
    """Write manifest.csv and labels.csv of the data at `path` into the folder `out`, and say in a line what was found.

    Every file is read once, for its md5; none is decoded.

    Args:
        path: of the table or the folder, from the working directory or absolute; `~` is the user's home.
        form: which of the forms it has; "auto" finds out.
        absent: what a list of instruments says of those it doesn't name.
        out: the folder for the two tables.

    Raises:
        OwnDataError: if there is nothing at `path`, its form cannot be found out, or its labels cannot be understood.
    """
    try:
        where = Path(path).expanduser()
    except RuntimeError as error:
        raise OwnDataError(f"{path}: {error}; write the whole path") from error
    entries = read_entries(where, form, absent)
    # unexpanded: below a relative path or `~` the manifest is the same on every machine
    root = Path(path) if where.is_dir() else Path(path).parent
    rows: list[dict[str, object]] = []
    with progress_bar("list files", "files", total=len(entries)) as bar:
        for entry in entries:
            rows.append(_row(root, entry))
            bar.update()
    table = pd.DataFrame(rows, columns=list(MANIFEST.columns))
    alike = table[table.duplicated("path")]["path"]
    refuse(path, [f"{name} is there twice, in two Unicode forms of the same name; rename one" for name in alike])
    labels = pd.DataFrame(_label_rows(entries), columns=list(OWN_LABELS.columns))
    MANIFEST.write(out / "manifest.csv", table)
    OWN_LABELS.write(out / "labels.csv", labels)
    usable = table[table["reason"] == ""]
    size_mb = usable["size"].sum() / 1e6
    return f"{len(usable)} files ({size_mb:.0f} MB) at {path}, {len(table) - len(usable)} that cannot be used"


def _row(root: Path, entry: Entry) -> dict[str, object]:
    """Return a row of the manifest; a file that cannot be opened gets a reason."""
    path, reason = _text(entry.path), entry.reason
    if path != entry.path:
        reason = reason or "its name is not UTF-8; rename it"
    size, md5 = 0, ""
    if not reason:
        try:
            file = (root / entry.path).expanduser()
            size, md5 = file.stat().st_size, md5_of_file(file)
        except OSError as error:
            reason = f"it cannot be read: {error.strerror}"
    return {
        "path": nfc(path),
        "file": (root / path).as_posix(),
        "size": size,
        "md5": md5,
        "recording": nfc(_text(entry.recording)) or stem(nfc(path)),
        "split": entry.split,
        "reason": reason,
    }


def _label_rows(entries: list[Entry]) -> list[dict[str, object]]:
    """Return a row for each label of each file that can be used; a label keeps the spelling that it first had."""
    spelling: dict[str, str] = {}
    return [
        {
            "path": nfc(_text(entry.path)),
            "label": spelling.setdefault(plain(label), label),
            "relevance": float(plays),
        }
        for entry in entries
        if not entry.reason
        for label, plays in entry.labels.items()
    ]


def _text(name: str) -> str:
    """Return a name as text that can be written: its bytes that are no UTF-8 become their numbers."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")
