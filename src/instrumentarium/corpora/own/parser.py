"""Own data: the clips that the manifest lists, each held against the size and md5 it had then."""

from collections import defaultdict
from pathlib import Path

from instrumentarium.corpora.own.manifest.contract import MANIFEST, OWN_LABELS
from instrumentarium.corpora.source.members import Rejection, Source, SourceClip
from instrumentarium.corpora.source.unchanged import read_unchanged


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
            data=read_unchanged(Path(row["file"]).expanduser(), row["size"], row["md5"], "own", "manifest"),
            recording=row["recording"],
            labels=labels[row["path"]],
            official_split=row["split"],
        )
