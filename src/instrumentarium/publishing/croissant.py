"""A collection as Croissant 1.0 metadata (Akhtar et al., 2024; mlcommons.org/croissant).

The tables beside croissant.json are described column by column, and the publishers' archives, which are not passed on, by
their address and md5. What a loader needs the network for is those archives alone.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mlcroissant
import pandas as pd

from instrumentarium.publishing.material import Material
from instrumentarium.runtime.errors import UserError

COLUMNS = {
    "clip_id": "<corpus>/<path inside the archive without suffix>, Unicode NFC",
    "corpus": "the corpus that the clip is of",
    "recording_id": "the recording that the clip was cut from; in split.csv after duplicates were merged",
    "path": "of the file inside its archive",
    "duration_s": "of the publisher's file, in seconds",
    "sample_rate_hz": "of the publisher's file, in Hz",
    "channels": "of the publisher's file",
    "official_split": "what the publisher's own split says",
    "genre": "of the music, or the category of a sound without music",
    "drums": "whether there are drums",
    "licence": "of this clip",
    "group": "what a sound without music could be taken for",
    "pcm_hash": "md5 of the decoded samples",
    "instrument": "an instrument's code in the taxonomy",
    "relevance": "how surely the instrument plays, 0 to 1; a pair without a row was not observed",
    "split": "train, validation or test",
}


class CroissantError(UserError, ValueError):
    """A collection that cannot be described."""


def croissant(
    material: Material,
    tables: Mapping[str, pd.DataFrame],
    contents: Mapping[str, bytes],
    archives: Sequence[Mapping[str, str]],
) -> dict[str, object]:
    """Return the metadata as JSON.

    Args:
        material: the collection.
        tables: file name to table.
        contents: file name to the bytes of that table's file.
        archives: of each of the publishers' archives its `name`, `url`, `md5` and `corpus`.

    Raises:
        CroissantError: if mlcroissant finds a mistake in it.
    """
    metadata = mlcroissant.Metadata(
        name=f"instrumentarium-{material.collection}",
        description=f"{material.title}: clips, labels in one taxonomy of instruments, and a split by recording. "
        "The audio is not part of it.",
        url=next((each.page for each in material.corpora if each.page), None),
        version="1.0.0",
        license=sorted({licence.url or licence.name for each in material.corpora for licence in each.licences})
        if material.source == "published"
        else ["https://www.gnu.org/licenses/old-licenses/gpl-2.0.html"],
        cite_as="\n".join(each.citation for each in material.corpora if each.citation) or None,
        distribution=[
            *(_table_file(name, contents[name]) for name in tables),
            *(_archive_file(archive) for archive in archives),
        ],
        record_sets=[_record_set(name, table) for name, table in tables.items()],
    )
    if errors := sorted(metadata.ctx.issues.errors):
        raise CroissantError(f"the collection {material.collection} cannot be described: {'; '.join(errors)}")
    written: dict[str, object] = metadata.to_json()
    return written


def _table_file(name: str, content: bytes) -> mlcroissant.FileObject:
    return mlcroissant.FileObject(
        id=name,
        name=name,
        content_url=name,
        content_size=f"{len(content)} B",
        encoding_formats=["text/csv"],
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _archive_file(archive: Mapping[str, str]) -> mlcroissant.FileObject:
    packed = "application/gzip" if archive["name"].endswith(".tgz") else "application/zip"
    return mlcroissant.FileObject(
        id=archive["name"],
        name=archive["name"],
        description=f"An archive of {archive['corpus']}, as its publisher offers it",
        content_url=archive["url"],
        encoding_formats=[packed],
        md5=archive["md5"],
    )


def _record_set(file: str, table: pd.DataFrame) -> mlcroissant.RecordSet:
    name = Path(file).stem
    return mlcroissant.RecordSet(
        id=name,
        name=name,
        fields=[
            mlcroissant.Field(
                id=f"{name}/{column}",
                name=f"{name}/{column}",
                description=COLUMNS[column],
                data_types=_data_type(table[column]),
                source=mlcroissant.Source(file_object=file, extract=mlcroissant.Extract(column=column)),
            )
            for column in table.columns
        ],
    )


def _data_type(column: "pd.Series[Any]") -> list[object]:
    if pd.api.types.is_integer_dtype(column):
        return [mlcroissant.DataType.INTEGER]
    return [mlcroissant.DataType.FLOAT if pd.api.types.is_float_dtype(column) else mlcroissant.DataType.TEXT]
