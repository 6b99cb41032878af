"""Own data: the clips that the manifest lists, each held against the size and md5 it had then."""

from collections import defaultdict
from pathlib import Path

from instrumentarium.corpora.own.manifest.contract import MANIFEST, OWN_LABELS
from instrumentarium.corpora.source.archives import ArchiveError
from instrumentarium.corpora.source.members import Rejection, Source, SourceClip
from instrumentarium.runtime.checksums import md5_of_bytes


def read_clips(folder: Path) -> Source:
    """Yield every clip of the manifest in `folder`, in the order of their paths.

    Raises:
        MissingTableError: if there is no manifest, or no labels beside it.
        ArchiveError: if a file is gone or is no longer the one that the manifest lists.
    """
    files = MANIFEST.read(folder / "manifest.csv").to_dict("records")
    labels: dict[str, dict[str, float]] = defaultdict(dict)
    for row in OWN_LABELS.read(folder / "labels.csv").to_dict("records"):
        labels[row["path"]][row["label"]] = row["relevance"]
    for row in files:
        if row["reason"]:
            yield Rejection(row["path"], row["reason"])
            continue
        yield SourceClip(
            path=row["path"],
            data=_read_unchanged(Path(row["file"]).expanduser(), row["size"], row["md5"]),
            recording=row["recording"],
            labels=labels[row["path"]],
            official_split=row["split"],
        )


def _read_unchanged(path: Path, size: int, md5: str) -> bytes:
    """Return the bytes of a file.

    Raises:
        ArchiveError: if it cannot be read, or its size or md5 is not the one given.
    """
    again = "if that is meant, run `dvc repro --force --single-item download@own`, then `dvc repro`"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArchiveError(
            f"{path} was there when the manifest was written, and cannot be read now ({error.strerror}); {again}"
        ) from error
    found = md5_of_bytes(data)
    if (len(data), found) != (size, md5):
        raise ArchiveError(
            f"{path} has changed since the manifest was written: {size} bytes with md5 {md5} then, "
            f"{len(data)} bytes with md5 {found} now; {again}"
        )
    return data
