"""The description of a collection as a folder: tables, Croissant metadata, datasheet; all of it, or nothing."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from instrumentarium.corpora.source.card import Card
from instrumentarium.corpora.source.unpacked import listing_of
from instrumentarium.publishing.contents import DESCRIBED, read_contents
from instrumentarium.publishing.croissant import croissant
from instrumentarium.publishing.datasheet import datasheet
from instrumentarium.publishing.material import Material, MaterialError, read_material
from instrumentarium.runtime.files import staged, write_json
from instrumentarium.runtime.section import PARAMS_FILE, read_yaml
from instrumentarium.tables.schemas import SPLIT, resolved_labels_table

FILES = ("croissant.json", "datasheet.md", "clips.csv", "labels.csv", "split.csv")
"""What the folder holds; the first is the seal."""


@dataclass(frozen=True)
class Counts:
    """How much was described."""

    clips: int
    recordings: int


def describe(folder: Path, workspace: Path) -> Counts:
    """Write FILES of the collection that the repository `workspace` holds into `folder`.

    Raises:
        MaterialError, MissingTableError, TableError, TaxonomyError: if a table is missing or damaged.
        CroissantError: if the metadata do not stand.
    """
    material = read_material(workspace, str(read_yaml(workspace / PARAMS_FILE).get("collection")))
    contents = read_contents(workspace, material)
    archives = list(_archives(workspace / "data" / "raw" / material.collection, material))
    tables = {"clips.csv": contents.clips, "labels.csv": contents.labels, "split.csv": contents.split}
    with staged(folder, FILES) as staging:
        DESCRIBED.write(staging / "clips.csv", contents.clips)
        resolved_labels_table(contents.taxonomy).write(staging / "labels.csv", contents.labels)
        SPLIT.write(staging / "split.csv", contents.split)
        bytes_of = {name: (staging / name).read_bytes() for name in tables}
        metadata = croissant(material, tables, bytes_of, archives)
        write_json(staging / "croissant.json", json.loads(json.dumps(metadata, default=str)))
        (staging / "datasheet.md").write_text(datasheet(material, contents), encoding="utf-8")
    return Counts(len(contents.clips), contents.recordings)


def _archives(raw: Path, material: Material) -> Iterator[dict[str, str]]:
    """Yield the publishers' archives; what was rendered here, or is the user's own, nobody can fetch.

    A part of a corpus that was not fetched is left out.

    Raises:
        MaterialError: if an archive without a published md5 is not at hand.
    """
    for each in material.recorded:
        card: Card = import_module(f"instrumentarium.corpora.{each.corpus}.card").CARD
        for archive in card.archives:
            path = raw / each.corpus / archive.name
            if archive.part is not None and not (path.exists() or listing_of(path.parent, archive.name).exists()):
                continue
            if archive.md5 is None and not path.exists():
                raise MaterialError(f"{path} is missing, and its md5 stands nowhere else; run `dvc repro download`")
            md5 = archive.md5
            if md5 is None:
                with path.open("rb") as file:
                    md5 = hashlib.file_digest(file, "md5").hexdigest()
            yield {"name": archive.name, "url": archive.url, "md5": md5, "corpus": each.title}
