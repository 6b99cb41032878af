"""NSynth: its names and notes.

305,979 notes of 4 s, 16 kHz, mono, 16 bit, of 1,006 sampled instruments. A note's name says all: its instrument, which is
`<family>_<source>_<number>`, then its pitch and velocity as MIDI has them. One instrument is one recording, so that none
lies on two sides of a split: the publisher's train part shares no instrument with the two others, which share theirs. In a
note nothing sounds but its instrument.

Source: Engel et al.: Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders, ICML 2017.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from instrumentarium.corpora.nsynth.card import archive_of
from instrumentarium.corpora.nsynth.labels import MEANINGS, SOURCES
from instrumentarium.corpora.nsynth.published import LICENCE
from instrumentarium.corpora.source.archives import AUDIO_BYTES, OversizedError
from instrumentarium.corpora.source.members import Rejection, Source, SourceClip, alone
from instrumentarium.corpora.source.opening import stream_members

NOTE = re.compile(
    rf"^(?P<instrument>(?P<family>[a-z_]+)_(?P<source>{'|'.join(SOURCES)})_\d{{3}})-(?P<pitch>\d{{3}})-(?P<velocity>\d{{3}})$",
    re.ASCII,
)
_SPLITS: Mapping[str, str] = {"train": "train", "valid": "validation", "test": "test"}


def read_clips(folder: Path, parts: Sequence[str]) -> Source:
    """Yield every note of the archives of `parts` in `folder`, or of their listings.

    Raises:
        ArchiveError: if an archive is missing or broken.
    """
    for part in parts:
        for path, data in stream_members(folder, archive_of(part), "nsynth", _is_note, AUDIO_BYTES):
            yield _note(path, data, _SPLITS[part])


def _is_note(name: str) -> bool:
    return name.endswith(".wav") and not PurePosixPath(name).name.startswith("._")


def _note(path: str, data: bytes | OversizedError, split: str) -> SourceClip | Rejection:
    match = NOTE.match(PurePosixPath(path).stem)
    if match is None:
        return Rejection(path, "its name is not <family>_<source>_<number>-<pitch>-<velocity>", split)
    label = f"{match['family']}_{match['source']}"
    if label not in MEANINGS:
        families = ", ".join(sorted({known.rsplit("_", 1)[0] for known in MEANINGS}))
        return Rejection(path, f"unknown family {match['family']!r}; known: {families}", split)
    if isinstance(data, OversizedError):
        return Rejection(path, str(data), split)
    return SourceClip(
        path=path,
        data=data,
        recording=match["instrument"],
        labels=alone(label),
        official_split=split,
        licence=LICENCE,
    )
