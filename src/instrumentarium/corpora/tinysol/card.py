"""TinySOL: the published archive, its licence and how to cite it. Zenodo record 3685367."""

from instrumentarium.corpora.source.card import Archive, Card, Licence
from instrumentarium.corpora.tinysol.published import LICENCE, MEANINGS

ARCHIVE = "TinySOL.tar.gz"
METADATA = "TinySOL_metadata.csv"

_RECORD = "https://zenodo.org/record/3685367"
CARD = Card(
    corpus="tinysol",
    title="TinySOL",
    page=_RECORD,
    licences=(Licence(covers="audio and labels", name=LICENCE, url="https://creativecommons.org/licenses/by/4.0/"),),
    citation="Cella, C. E., Ghisi, D., Lostanlen, V., Lévy, F., Fineberg, J., Maresz, Y. (2020). OrchideaSOL: a dataset of "
    "extended instrumental techniques for computer-aided orchestration. ICMC.",
    archives=(
        Archive(
            ARCHIVE,
            f"{_RECORD}/files/{ARCHIVE}?download=1",
            "36030a7fe389da86c3419e5ee48e3b7f",
            about_bytes=1_000_000_000,
            unpacked=("TinySOL",),
        ),
        Archive(
            METADATA,
            f"{_RECORD}/files/{METADATA}?download=1",
            "a86c9bb115f69e61f2f25872e397fc4a",
            about_bytes=1_000_000,
        ),
    ),
    labels=MEANINGS,
)
