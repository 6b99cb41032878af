"""OpenMIC-2018: the published archive, its licences and how to cite it. Zenodo record 1432913."""

from pathlib import PurePosixPath

from instrumentarium.corpora.openmic.published import PUBLISHED
from instrumentarium.corpora.source.archives import TABLE_BYTES, ArchiveError
from instrumentarium.corpora.source.card import Archive, Card, Licence
from instrumentarium.corpora.source.opening import Members

ARCHIVE = "openmic-2018-v1.0.0.tgz"
LABELS = "openmic-2018/openmic-2018-aggregated-labels.csv"
METADATA = "openmic-2018/openmic-2018-metadata.csv"
PARTITIONS = {
    "train": "openmic-2018/partitions/split01_train.csv",
    "test": "openmic-2018/partitions/split01_test.csv",
}

_RECORD = "https://zenodo.org/record/1432913"


def read_keys(data: bytes, name: str) -> list[str]:
    """Return the keys of an official partition, which has one a line and no header.

    Raises:
        ArchiveError: if it is no text in UTF-8.
    """
    try:
        return data.decode("utf-8-sig").split()
    except UnicodeDecodeError as error:
        raise ArchiveError(f"{name} is no list of keys in UTF-8 ({error}); it is not the published one") from error


def _listing_problem(archive: Members) -> str | None:
    """Say what of the unpacked archive is not as published, or None: tables, partitions, and the clips that these name.

    Raises:
        ArchiveError: if a partition cannot be read.
    """
    members = dict(archive.names())
    absent = sorted({LABELS, METADATA, *PARTITIONS.values()} - set(members))
    if absent:
        return f"it holds no {absent[0]}"
    keys = {part: read_keys(archive.read(members[name], TABLE_BYTES), name) for part, name in PARTITIONS.items()}
    found = {part: len(set(part_keys)) for part, part_keys in keys.items()}
    if found != PUBLISHED.counts:
        return f"its partitions must hold {PUBLISHED.counts} keys; found {found}"
    named = {f"openmic-2018/audio/{key[:3]}/{key}.ogg" for part_keys in keys.values() for key in part_keys}
    audio = {name for name in members if name.endswith(".ogg") and not PurePosixPath(name).name.startswith("._")}
    for problem, names in (("are missing", named - audio), ("are in neither partition", audio - named)):
        if names:
            return f"{len(names)} clips {problem}, first {min(names)}"
    return None


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
            unpacked=("openmic-2018",),
            unpacked_problem=_listing_problem,
        ),
    ),
)
