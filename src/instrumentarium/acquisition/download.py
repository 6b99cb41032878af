"""Archives for a collection: the published ones fetched, or small ones rendered in the same layouts.

Either way they lie in the user's cache and are linked into the checkout: DVC deletes a stage's outputs before it runs the
stage again, and queued experiments start from an empty folder. This is the only place that knows the two apart.
"""

import contextlib
import csv
import importlib
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from instrumentarium.acquisition import licences
from instrumentarium.acquisition.archivecache import provide
from instrumentarium.acquisition.disk import link
from instrumentarium.acquisition.fontcache import provide_soundfonts
from instrumentarium.acquisition.soundfonts import SoundFontChoice, SoundFontFile
from instrumentarium.corpora.source.card import UNPACKED, Card
from instrumentarium.corpora.source.params import CHOICES, CollectionSource, Corpus, CorpusParams, comes_rendered
from instrumentarium.corpora.source.unpacked import LISTING, listing_of, unpacked_archives
from instrumentarium.runtime.cache import cache_folder, fingerprint
from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.runtime.files import atomic_path, sync, sync_below, write_json, write_text_atomically
from instrumentarium.runtime.jsonfile import JsonError, read_json
from instrumentarium.runtime.process import NUMPY_BASELINE, numpy_baseline

logger = logging.getLogger(__name__)

TRUTH = "truth.csv"
CHECKSUMS = "md5.json"
"""Of a rendering in the cache: its archives and its truth."""
TRUTH_COLUMNS = ("clip_id", "flaw", "detail")
RENDERERS = ("numpy", "pretty_midi", "scipy", "soundfile", "soxr")
"""Libraries whose version may change what is rendered."""


def provide_archives(
    corpus: Corpus,
    settings: CorpusParams,
    source: CollectionSource,
    *,
    seed: int,
    soundfonts: list[SoundFontChoice],
    own: Path | None,
    folder: Path,
    truth: Path,
) -> str:
    """Put a corpus's archives into `folder`, and say in a line what lies there.

    Args:
        corpus: its name.
        settings: whether it is used and, where it is rendered, how large it is.
        source: whether the collection is rendered or published; the user's own files are listed in either, and a corpus
            that nobody renders is fetched in either.
        seed: of the rendering.
        soundfonts: from which its instruments and sound effects are drawn; none for the one that is shipped.
        own: the user's folder of published archives, or None.
        folder: for the archives, or for the list of the user's files.
        truth: for what is wrong on purpose in rendered archives; of any other nobody knows, so a table without rows.

    Raises:
        ArchiveError: if an archive cannot be fetched, does not fit on the disk or is not the published one.
        OwnDataError: if the user's files or labels cannot be understood.
    """
    leave_empty(folder, truth)
    list_files = card_of(corpus).list_files
    if not settings.use:
        return describe(folder)
    if list_files is not None:
        return list_files(settings, folder)
    if comes_rendered(corpus, source):
        render(corpus, settings, seed, folder, truth, soundfonts)
    else:
        fetch_published(corpus, own, folder, truth, settings.wanted_parts())
    return describe(folder)


def fetch_published(
    corpus: Corpus, own: Path | None, folder: Path, truth: Path, parts: Sequence[str] | None = None
) -> None:
    """Put the publisher's archives into `folder`; nobody knows their flaws, so `truth` gets a table without rows.

    Archives that lie in the user's `own` folder are not fetched, nor those of parts that are not among `parts`.

    Raises:
        ArchiveError: if an archive cannot be fetched, does not fit on the disk or is not the published one.
    """
    provide(card_of(corpus).of_parts(parts), folder, own)
    leave_empty(folder, truth)


def card_of(corpus: Corpus) -> Card:
    """Return the dataset card of a corpus."""
    card: Card = importlib.import_module(f"instrumentarium.corpora.{corpus}.card").CARD
    return card


def leave_empty(folder: Path, truth: Path) -> None:
    """Make the folders of a corpus that the collection leaves out."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(truth / TRUTH) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(TRUTH_COLUMNS)


def render(
    corpus: Corpus,
    size: CorpusParams,
    seed: int,
    folder: Path,
    truth: Path,
    soundfonts: Sequence[SoundFontChoice] = (),
) -> None:
    """Render the miniature of a corpus into `folder`, and what is wrong in it on purpose into `truth`.

    A rendering of the same size, seed, SoundFonts, code and libraries is taken from the cache when its checksums hold.

    Raises:
        ArchiveError: if a SoundFont cannot be read or fetched, or is not the one whose md5 is stated.
    """
    sizes = size.model_dump(exclude=set(CHOICES))
    fonts = {"soundfonts": provide_soundfonts(soundfonts, corpus)} if soundfonts else {}
    code = Path(__file__).parents[1] / "miniature"
    key = fingerprint(
        {
            "corpus": corpus,
            "seed": seed,
            "sizes": sizes,
            "soundfonts": [font.md5 if isinstance(font, SoundFontFile) else font for font in soundfonts],
            "versions": {name: version(name) for name in RENDERERS},
            "checksums": "archives and truth",
            "arithmetic": NUMPY_BASELINE,
        },
        code.rglob("*.py"),
    )
    kept = cache_folder() / "rendered" / key
    if not _intact(kept):
        _render_into(kept, corpus, {**sizes, **fonts}, seed)
    for path in sorted((kept / "archives").iterdir()):
        link(path, folder / path.name)
    for path in sorted((kept / "truth").iterdir()):
        with atomic_path(truth / path.name) as temporary:
            shutil.copyfile(path, temporary)
    write_text_atomically(folder / licences.FILE, licences.rendered(card_of(corpus), soundfonts))


def _render_into(kept: Path, corpus: Corpus, asked: Mapping[str, object], seed: int) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix="rendering-", dir=kept.parent))
    try:
        (staging / "archives").mkdir()
        (staging / "truth").mkdir()
        with numpy_baseline():  # which the renderer loads, and its workers do
            renderer = importlib.import_module(f"instrumentarium.miniature.layouts.{corpus}")
            renderer.render(staging / "archives", staging / "truth" / TRUTH, seed=seed, **asked)
        write_json(staging / CHECKSUMS, _checksums(staging))
        sync_below(staging)
        if not _intact(kept):  # another process may have been quicker
            shutil.rmtree(kept, ignore_errors=True)
            staging.replace(kept)
            sync(kept.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _intact(kept: Path) -> bool:
    """Say whether a rendering is kept in a folder, whole and as it was written; warns of one that is not."""
    if not kept.exists():
        return False
    with contextlib.suppress(OSError, JsonError):
        if read_json(kept / CHECKSUMS) == _checksums(kept):
            return True
    logger.warning("the rendering kept in %s is damaged; rendering it anew", kept)
    return False


def _checksums(folder: Path) -> dict[str, str]:
    """Return the md5 of every archive and table of truth of a rendering, by its path in the folder.

    Raises:
        OSError: if one cannot be read.
    """
    paths = (path for name in ("archives", "truth") for path in sorted((folder / name).iterdir()))
    return {path.relative_to(folder).as_posix(): md5_of_file(path) for path in paths}


def describe(folder: Path) -> str:
    """Say in a line which archives `folder` holds, and which of them are unpacked."""
    unpacked = unpacked_archives(folder)
    listings = [listing_of(folder, name) for name in unpacked]
    archives = sorted(path for path in folder.iterdir() if path.name != licences.FILE and path not in listings)
    size_mb = sum(path.stat().st_size for path in archives) / 1e6
    parts = (
        [f"{len(archives)} archives, {size_mb:.0f} MB: {', '.join(path.name for path in archives)}"] if archives else []
    )
    if unpacked:
        n_files = sum(len(LISTING.read(path)) for path in listings)
        parts.append(f"{len(unpacked)} unpacked, {n_files} files, {UNPACKED}: {', '.join(unpacked)}")
    return "; ".join(parts) or "left out of this collection"
