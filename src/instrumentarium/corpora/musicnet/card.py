"""MusicNet: the published archive, its licence and how to cite it. Zenodo record 5120004."""

from instrumentarium.corpora.musicnet.published import LICENCE, MEANINGS
from instrumentarium.corpora.source.card import Archive, Card, Licence

ARCHIVE = "musicnet.tar.gz"
METADATA = "musicnet_metadata.csv"

_RECORD = "https://zenodo.org/record/5120004"
CARD = Card(
    corpus="musicnet",
    title="MusicNet",
    page=_RECORD,
    licences=(Licence(covers="audio and labels", name=LICENCE, url="https://creativecommons.org/licenses/by/4.0/"),),
    citation="Thickstun, J., Harchaoui, Z., Kakade, S. M. (2017). Learning Features of Music from Scratch. ICLR.",
    archives=(
        Archive(
            ARCHIVE,
            f"{_RECORD}/files/{ARCHIVE}?download=1",
            "844764911fa0d5b97c97da944a057590",
            about_bytes=11_097_394_998,
            unpacked=("musicnet",),
        ),
        Archive(
            METADATA,
            f"{_RECORD}/files/{METADATA}?download=1",
            "1caef62cee9c875235e62aac368b49d8",
            about_bytes=43_775,
        ),
    ),
    labels=MEANINGS,
)
