"""Own data as audio files with a text file each, as IRMAS has its testing clips: the text lists the instruments.

As in IRMAS, `<song>-1.wav` and `<song>-2.wav` in one folder are clips of one recording.
"""

import contextlib
import re
from pathlib import Path, PurePosixPath

from instrumentarium.corpora.own.manifest.entry import Entry, refuse
from instrumentarium.corpora.own.manifest.files import File
from instrumentarium.corpora.own.manifest.names import InstrumentNameError, labels_from
from instrumentarium.corpora.own.params import Absent
from instrumentarium.corpora.source.archives import LABEL_BYTES
from instrumentarium.tables.spelling import plain


def has_texts(files: list[File]) -> bool:
    """Say whether a text file lies beside an audio file of the same name."""
    return bool(_texts_beside_audio(files))


def names_in_texts(root: Path, files: list[File]) -> set[str]:
    """Return the names that the text files beside audio files hold, as names are compared; what cannot be read has none."""
    names: set[str] = set()
    for file in _texts_beside_audio(files):
        with contextlib.suppress(UnicodeDecodeError, InstrumentNameError, OSError):
            text = _read(root / file.path)
            names.update(plain(label) for label in labels_from(text, "unobserved"))
    return names


def _texts_beside_audio(files: list[File]) -> list[File]:
    audio = {file.path.with_suffix("") for file in files if file.is_audio}
    return [file for file in files if file.suffix == ".txt" and file.path.with_suffix("") in audio]


def entries_of_texts(root: Path, files: list[File], absent: Absent) -> list[Entry]:
    """Return every audio file of `root`; a text or an audio file that stands alone gets a reason.

    Raises:
        OwnDataError: if a text contradicts itself, or isn't text.
    """
    texts = {file.path.with_suffix(""): file for file in files if file.suffix == ".txt"}
    audio = {file.path.with_suffix("") for file in files if file.is_audio}
    entries: list[Entry] = []
    mistakes: list[str] = []
    for file in files:
        key, path = file.path.with_suffix(""), str(file.path)
        if file.suffix == ".txt":
            if key not in audio:
                entries.append(Entry(path, reason="label file without audio: there is no audio file of this name"))
        elif not file.is_audio:
            entries.append(Entry(path, reason=file.why_not_audio()))
        elif key not in texts:
            entries.append(Entry(path, reason="audio without label file: there is no .txt of this name"))
        else:
            try:
                text = _read(root / texts[key].path)
                entries.append(_entry(file.path, text, absent))
            except UnicodeDecodeError as error:
                mistakes.append(f"{texts[key].path}: no UTF-8 text ({error.reason} at byte {error.start})")
            except (InstrumentNameError, OSError) as error:
                mistakes.append(f"{texts[key].path}: {error}")
    refuse(root, mistakes)
    return entries


def _read(path: Path) -> str:
    """Return a text.

    Raises:
        OSError: if it cannot be read.
        InstrumentNameError: if it is longer than a list of instruments can be.
        UnicodeDecodeError: if it is no UTF-8.
    """
    with path.open("rb") as file:
        data = file.read(LABEL_BYTES + 1)
    if len(data) > LABEL_BYTES:
        raise InstrumentNameError(f"it has more than {LABEL_BYTES} bytes, too many for a list of instruments")
    return data.decode("utf-8-sig")


def _entry(path: PurePosixPath, text: str, absent: Absent) -> Entry:
    if not text.strip():
        return Entry(str(path), reason="its label file is empty; write `none` into it if no instrument plays")
    song = re.sub(r"-[0-9]+$", "", str(path.with_suffix("")))
    return Entry(str(path), labels_from(text, absent), recording=song)
