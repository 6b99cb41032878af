"""Own data: nobody published them, so nothing is fetched; in the place of archives with checksums stands a manifest.

`download` takes stock of the user's files (instrumentarium.corpora.inventory) and writes down where each one lies, its size
and its md5, so that dvc.lock pins what was used; `ingest` holds the files against it.
"""

from pathlib import Path

from instrumentarium.corpora.own.inventory.stock import take_stock
from instrumentarium.corpora.own.params import OwnParams
from instrumentarium.corpora.source.card import Card


def _list_files(settings: OwnParams, folder: Path) -> str:
    return take_stock(settings.path, settings.form, settings.absent, folder)


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
