"""OpenMIC-2018: the published archive, its licences and how to cite it. Zenodo record 1432913."""

from instrumentarium.corpora.source.card import Archive, Card, Licence

ARCHIVE = "openmic-2018-v1.0.0.tgz"

_RECORD = "https://zenodo.org/record/1432913"
CARD = Card(
    corpus="openmic",
    title="OpenMIC-2018",
    page=_RECORD,
    licences=(
        Licence(covers="labels", name="CC BY 4.0", url="https://creativecommons.org/licenses/by/4.0/"),
        Licence(
            covers="audio",
            name="every clip under a Creative Commons licence of its own",
            url="",
            forbids="no use that a clip's own licence rules out; that may be any commercial one",
        ),
    ),
    remark="Each clip's own licence, as the Free Music Archive gives it, stands in the `licence` column of the clip table "
    "(clips.csv), and in openmic-2018-metadata.csv inside the archive.",
    citation="Humphrey, E. J., Durand, S., McFee, B. (2018). OpenMIC-2018: An open dataset for multiple instrument "
    "recognition. ISMIR, 438-444.",
    archives=(
        Archive(
            ARCHIVE,
            f"{_RECORD}/files/{ARCHIVE}?download=1",
            "e4ccf187e2bb5ab2e115416e8aafe7f4",
            about_bytes=2_600_000_000,
        ),
    ),
)
