"""One decoding pass over a corpus: from its archives to the sample store, its tables and its card.

Members are read in the archive's order, decoded by a pool of threads (libsndfile and soxr release the interpreter), and
appended in that same order, so the result doesn't depend on the number of cores. Only a few clips are in memory at once.
Whatever cannot be used goes to rejected.csv with its reason. Where a corpus comes from its publisher, its audio files are
counted against what was published.
"""

import errno
import importlib
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from instrumentarium.corpora.source.card import Card
from instrumentarium.corpora.source.counts import Published
from instrumentarium.corpora.source.members import Rejection, Source, SourceClip, stem
from instrumentarium.corpora.source.params import CollectionSource, Corpus, CorpusParams, comes_rendered
from instrumentarium.corpora.source.unpacked import unpacked_archives
from instrumentarium.decoding.pcm import AudioError
from instrumentarium.ingestion.audio import Clip, decode_clip
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import SET_ASIDE, replace_together, write_json
from instrumentarium.runtime.workers import map_in_order, worker_pool
from instrumentarium.tables.samplestore import SampleWriter
from instrumentarium.tables.schemas import CLIPS, LABELS, REJECTED, SOUNDING

PARTS = ("clips.csv", "labels.csv", "rejected.csv", "card.json", "samples")
"""What ingest makes. A folder that has the first of them has all of one run: every reader begins with clips.csv."""
SOUNDING_FILE = "sounding.csv"
"""Beside the samples, for what sounds when; of a corpus that does not say it there is none."""
_STAGING = ".ingest-"
_FULL = {
    errno.ENOSPC: "the disk of {folder} is full ({free_mb:.0f} MB free)",
    errno.EDQUOT: "your quota on the disk of {folder} is used up",
}
_REASONS = 5
"""Kinds of rejections that the summary names."""


class IngestError(UserError, RuntimeError):
    """Ingest could not finish; nothing half-written was left."""


@dataclass
class Ingested:
    """Rows of the tables, how much came in, and the audio files of each published part and label."""

    clips: list[dict[str, object]] = field(default_factory=list)
    labels: list[dict[str, object]] = field(default_factory=list)
    rejected: list[dict[str, object]] = field(default_factory=list)
    sounding: list[dict[str, object]] = field(default_factory=list)
    seconds: float = 0.0
    parts: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """Say in a line what came in, what went out, and what did not and why."""
        recordings = len({row["recording_id"] for row in self.clips})
        # a reason's beginning is its kind; what follows is of this one file
        kinds = Counter(re.split("[:;]", str(row["reason"]))[0] for row in self.rejected).most_common()
        named = [f"{count} × {kind}" for kind, count in kinds[:_REASONS]]
        others = sum(count for _, count in kinds[_REASONS:])
        why = "; ".join([*named, *([f"{others} for other reasons"] if others else [])])
        unlicensed = sum(row["licence"] == "unknown" for row in self.clips)
        return (
            f"{len(self.clips) + len(self.rejected)} members in; {len(self.clips)} clips of {recordings} recordings "
            f"({self.seconds:.0f} s) and {len(self.labels)} labels out, {len(self.rejected)} rejected"
            f"{f' ({why})' if why else ''}{f'; the licence of {unlicensed} clips is unknown' if unlicensed else ''}"
        )

    def against(self, published: Published) -> str:
        """Say in a line how the audio files that came in compare with what was published."""
        differences = published.differences(self.parts)
        if differences:
            return f"{len(differences)} counts differ from the published ones: {'; '.join(differences)}"
        parts = ", ".join(f"{name} {count}" for name, count in {**published.counts, **published.labels}.items())
        return f"counts as published: {published.total} audio files ({parts}), {len(self.clips)} of them used"


def ingest(
    corpus: str,
    source: Source,
    folder: Path,
    sample_rate_hz: int,
    published: Published | None = None,
    card: Mapping[str, object] | None = None,
) -> Ingested:
    """Decode every clip of `source` and write samples and tables into `folder`.

    The folder's earlier parts are replaced, all together, only when everything has been written.

    Args:
        corpus: its name.
        source: its clips, one by one.
        folder: for the PARTS; made if missing.
        sample_rate_hz: of the samples.
        published: the counts that `source` must have, where its archives are the publisher's.
        card: what a report says of the corpus, as `Card.facts` gives it.

    Raises:
        IngestError: if the disk is full, or the counts are not the published ones; what was written so far is removed.
        ArchiveError: if an archive is missing or broken.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder, keep=SET_ASIDE)
        with tempfile.TemporaryDirectory(prefix=_STAGING, dir=folder, ignore_cleanup_errors=True) as name:
            result = _fill(corpus, source, Path(name), sample_rate_hz, published, card or {})
            if published is not None and published.differences(result.parts):
                raise IngestError(
                    f"{corpus} was misread: {result.against(published)}. {_cause(corpus, card or {})}. Nothing was replaced"
                )
            replace_together(Path(name), folder, PARTS)
        _sweep(folder)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
        full = _FULL[error.errno].format(folder=folder, free_mb=shutil.disk_usage(existing).free / 1e6)
        raise IngestError(
            f"{full} while ingesting {corpus}; make room and run `dvc repro ingest@{corpus}` again. "
            f"Nothing half-written was left"
        ) from error
    return result


def _cause(corpus: str, card: Mapping[str, object]) -> str:
    """Say where a count that is not the published one can come from."""
    parser = f"the parser in corpora/{corpus} that is wrong, or the count in its published.py"
    if "unpacked" in card:
        return f"The archives were read unpacked: their files are not those published, or it is {parser}"
    if "unverified" in card:
        return f"Their publisher states no checksum, so the archives may not be those published, or it is {parser}"
    return f"The archives are verified, so it is {parser}"


def ingest_corpus(
    corpus: Corpus, settings: CorpusParams, source: CollectionSource, archives: Path, folder: Path, sample_rate_hz: int
) -> list[str]:
    """Decode a corpus's archives into `folder`, and say in a line or two what came in, went out and was rejected.

    A corpus that is not used yields empty tables; one from its publisher is held to the published counts.

    Raises:
        IngestError: if the disk is full, or the counts are not the published ones; what was written so far is removed.
        ArchiveError: if an archive is missing or broken.
    """
    parser = importlib.import_module(f"instrumentarium.corpora.{corpus}.parser")
    counts = importlib.import_module(f"instrumentarium.corpora.{corpus}.published")
    clips: Source = parser.read_clips(archives, **settings.choices()) if settings.use else iter(())
    published: Published | None = counts.PUBLISHED if settings.use and not comes_rendered(corpus, source) else None
    if published is not None:
        published = published.of_parts(settings.wanted_parts())
    card: Card = importlib.import_module(f"instrumentarium.corpora.{corpus}.card").CARD
    unpacked = unpacked_archives(archives) if settings.use else []
    result = ingest(corpus, clips, folder, sample_rate_hz, published, card.facts(used=settings.use, unpacked=unpacked))
    return [result.summary(), *([] if published is None else [result.against(published)])]


def _sweep(folder: Path, keep: str | None = None) -> None:
    """Remove what killed runs have left, except, before there is something new, what one had already set aside."""
    for staging in folder.glob(f"{_STAGING}*"):
        if keep is None or not (staging / keep).exists():
            shutil.rmtree(staging, ignore_errors=True)


def _fill(
    corpus: str,
    source: Source,
    folder: Path,
    sample_rate_hz: int,
    published: Published | None,
    card: Mapping[str, object],
) -> Ingested:
    result = Ingested()
    names: Counter[str] = Counter()  # of rejected members
    seen: dict[str, str] = {}  # clip_id to path
    with SampleWriter(folder / "samples") as writer:
        for item, clip in _decode_in_order(source, sample_rate_hz, f"ingest {corpus}"):
            if published is not None:
                result.parts.update(published.met(item))
            clip_id = f"{corpus}/{stem(item.path)}"
            if seen.get(clip_id, item.path) != item.path:
                clip_id = f"{corpus}/{item.path}"  # cut.ogg beside cut.aiff
            if isinstance(clip, Clip) and clip_id in seen:
                clip = AudioError("duplicate name: an earlier member has the same one")  # noqa: PLW2901
            if isinstance(item, Rejection) or isinstance(clip, AudioError):
                reason = item.reason if isinstance(item, Rejection) else str(clip)
                names[item.path] += 1
                again = f" ({names[item.path]})" if names[item.path] > 1 else ""  # two bad members may share a name
                result.rejected.append({"path": item.path + again, "reason": reason})
                continue
            assert clip is not None
            seen[clip_id] = item.path
            result.clips.append(
                {
                    "clip_id": clip_id,
                    "corpus": corpus,
                    "recording_id": f"{corpus}/{item.recording}",
                    "path": item.path,
                    "duration_s": clip.duration_s,
                    "sample_rate_hz": clip.sample_rate_hz,
                    "channels": clip.channels,
                    "first_sample": writer.append(clip.samples),
                    "n_samples": len(clip.samples),
                    "official_split": item.official_split,
                    "genre": item.genre,
                    "drums": item.drums,
                    "licence": item.licence,
                    "group": item.group,
                    "pcm_hash": clip.pcm_hash,
                }
            )
            result.labels += [
                {"clip_id": clip_id, "label": label, "relevance": relevance} for label, relevance in item.labels.items()
            ]
            result.sounding += [
                {"clip_id": clip_id, "label": label, "start_s": start_s, "end_s": end_s}
                for label, start_s, end_s in item.sounding
            ]
            result.seconds += clip.duration_s
    CLIPS.write(folder / "clips.csv", pd.DataFrame(result.clips, columns=list(CLIPS.columns)))
    LABELS.write(folder / "labels.csv", pd.DataFrame(result.labels, columns=list(LABELS.columns)))
    REJECTED.write(folder / "rejected.csv", pd.DataFrame(result.rejected, columns=list(REJECTED.columns)))
    if result.sounding:
        SOUNDING.write(
            folder / "samples" / SOUNDING_FILE, pd.DataFrame(result.sounding, columns=list(SOUNDING.columns))
        )
    write_json(folder / "card.json", card)
    return result


def _decode_in_order(
    source: Source, sample_rate_hz: int, title: str
) -> Iterator[tuple[SourceClip | Rejection, Clip | AudioError | None]]:
    """Yield each member with its decoded clip (or why there is none) in the source's order, decoding on all cores."""

    def decode(item: SourceClip | Rejection) -> tuple[SourceClip | Rejection, Clip | AudioError | None]:
        if isinstance(item, Rejection):
            return item, None
        try:
            return item, decode_clip(item.data, sample_rate_hz)
        except AudioError as error:
            return item, error
        except Exception as error:  # no memory, or a mistake of ours: one file must not cost the others
            return item, AudioError(f"not readable as audio: {type(error).__name__}: {error}".rstrip(": "))

    with worker_pool("threads") as pool:
        yield from map_in_order(pool, decode, source, title)
