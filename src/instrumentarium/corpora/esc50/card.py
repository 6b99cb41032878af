"""ESC-50: the published archive, its licence and how to cite it. github.com/karolpiczak/ESC-50."""

from collections import Counter
from pathlib import Path, PurePosixPath

from instrumentarium.corpora.source.archives import AUDIO_BYTES, TABLE_BYTES, ArchiveError, ZipMembers, read_table
from instrumentarium.corpora.source.card import Archive, Card, Licence
from instrumentarium.corpora.source.opening import Members

ARCHIVE = "ESC-50-master.zip"

META = "ESC-50-master/meta/esc50.csv"

_PAGE = "https://github.com/karolpiczak/ESC-50"


def _content_problem(path: Path) -> str | None:
    """Check the published archive by its content, since GitHub packs it anew and its md5 changes.

    Every member's checksum must be right: a clip that broke on the way would otherwise be noticed hours later.
    """
    try:
        archive = ZipMembers(path, "esc50")
        for _, member in archive.names():
            archive.read(member, AUDIO_BYTES)
        problem = _listing_problem(archive)
        archive.close()
    except ArchiveError as error:
        return f"it is truncated or corrupt ({error.__cause__ or error})"
    return problem


def _listing_problem(archive: Members) -> str | None:
    """Say what is wrong with the members, which must hold 2,000 clips, or None.

    They are those that the table names, 40 in each of 50 categories and 400 in each of 5 folds.

    Raises:
        ArchiveError: if the table cannot be read.
    """
    members = dict(archive.names())
    table = archive.read(members[META], TABLE_BYTES) if META in members else b""
    try:
        rows = read_table(table, META, ())
    except ArchiveError as error:
        return f"its {META} is no CSV table in UTF-8 ({error.__cause__ or error})"
    clips = {PurePosixPath(name).name for name in members if name.endswith(".wav")}
    categories, folds = Counter(row.get("category") for row in rows), Counter(row.get("fold") for row in rows)
    if not (len(clips) == 2000 and sorted(categories.values()) == [40] * 50 and sorted(folds.values()) == [400] * 5):
        return (
            "it must hold 2000 clips, 50 categories of 40 and 5 folds of 400; found "
            f"{len(clips)} clips, {len(categories)} categories and {len(folds)} folds"
        )
    absent = sorted({row.get("filename") or "" for row in rows} - clips)
    return f"its {META} names {len(absent)} clips that are not there, first {absent[0]}" if absent else None


CARD = Card(
    corpus="esc50",
    title="ESC-50",
    page=_PAGE,
    licences=(
        Licence(
            covers="audio and labels",
            name="CC BY-NC 3.0",
            url="https://creativecommons.org/licenses/by-nc/3.0/",
            forbids="no commercial use",
        ),
        Licence(
            covers="the clips of its ESC-10 part", name="CC BY 3.0", url="https://creativecommons.org/licenses/by/3.0/"
        ),
    ),
    remark="Each clip's author is named in the file LICENSE inside the archive; the `esc10` column of esc50.csv there "
    "marks the ESC-10 part.",
    citation="Piczak, K. J. (2015). ESC: Dataset for Environmental Sound Classification. ACM Multimedia, 1015-1018.",
    archives=(
        Archive(
            ARCHIVE,
            f"{_PAGE}/archive/master.zip",
            None,
            _content_problem,
            about_bytes=600_000_000,
            unpacked=("ESC-50-master", "ESC-50"),  # the latter is a clone
            unpacked_problem=_listing_problem,
        ),
    ),
)
