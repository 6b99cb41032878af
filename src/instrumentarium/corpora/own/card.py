"""Own data: nobody published them, so nothing is fetched; in the place of archives with checksums stands a manifest.

`download` writes down where each of the user's files lies, its size, its md5 and its labels (the room `manifest` beside
this module), so that dvc.lock pins what was used; `ingest` holds the files against it.
"""

from pathlib import Path

from instrumentarium.corpora.own.manifest.writing import write_manifest
from instrumentarium.corpora.own.params import OwnParams
from instrumentarium.corpora.source.card import Card


def _list_files(settings: OwnParams, folder: Path) -> str:
    return write_manifest(settings.path, settings.form, settings.absent, folder)


CARD = Card(
    corpus="own",
    title="Your own data",
    page="",
    licences=(),
    citation="",
    archives=(),
    remark="Licensed as you have them: a model learns from them, and they are neither copied nor passed on.",
    list_files=_list_files,
)
