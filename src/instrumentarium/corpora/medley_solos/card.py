"""Medley-solos-DB: the published archive, its licence and how to cite it. Zenodo record 3464194."""

from instrumentarium.corpora.medley_solos.published import LICENCE, MEANINGS
from instrumentarium.corpora.source.card import Archive, Card, Licence

ARCHIVE = "Medley-solos-DB.tar.gz"
METADATA = "Medley-solos-DB_metadata.csv"

_RECORD = "https://zenodo.org/record/3464194"
CARD = Card(
    corpus="medley_solos",
    title="Medley-solos-DB",
    page=_RECORD,
    licences=(Licence(covers="audio and labels", name=LICENCE, url="https://creativecommons.org/licenses/by/4.0/"),),
    remark="Its training and validation clips were cut from MedleyDB, its test clips from solosDB.",
    citation="Lostanlen, V., Cella, C.-E. (2016). Deep Convolutional Networks on the Pitch Spiral for Musical Instrument "
    "Recognition. ISMIR, 612-618.",
    archives=(
        Archive(
            ARCHIVE,
            f"{_RECORD}/files/{ARCHIVE}?download=1",
            "f5facf398793ef5c1f80c013afdf3e5f",
            about_bytes=3_000_000_000,
            unpacked=("Medley-solos-DB",),
        ),
        Archive(
            METADATA,
            f"{_RECORD}/files/{METADATA}?download=1",
            "fda6a589c56785f2195c9227809c521a",
            about_bytes=2_000_000,
        ),
    ),
    labels=MEANINGS,
)
