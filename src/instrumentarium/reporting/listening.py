"""A clip of the sample store as a WAV file: the samples that the model was trained on or scored."""

import difflib
import io
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.clips.collection import open_samples, read_clips
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import atomic_path


class UnknownClipError(UserError, KeyError):
    """There is no such clip; the message names the ones most alike."""

    def __str__(self) -> str:
        """Return the message; a KeyError would put it in quotes."""
        return str(self.args[0])


def export_clip(clip_id: str, folder: Path, out: Path, sample_rate_hz: int) -> float:
    """Write a clip's stored samples, mono 16 bit, to a WAV file and return its duration in seconds.

    Args:
        clip_id: as in clips.csv.
        folder: of a collection's ingested corpora, one folder a corpus.
        out: the file to write.
        sample_rate_hz: of the sample store.

    Raises:
        UnknownClipError: if no corpus has the clip.
        MissingTableError, MissingSamplesError: if the corpus has not been ingested.
    """
    corpus = folder / clip_id.partition("/")[0]
    if not corpus.is_dir():
        known = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        raise UnknownClipError(
            f"no corpus in {folder} has clip {clip_id!r}; a clip's id begins with its corpus "
            f"({', '.join(known) or 'none is there: run `dvc repro`'})"
        )
    mine = named_clips(read_clips([corpus]), [clip_id], str(corpus / "clips.csv"))
    samples = open_samples(mine, [corpus]).read(0)
    with atomic_path(out) as temporary:
        temporary.write_bytes(wav(samples, sample_rate_hz))
    return len(samples) / sample_rate_hz


def named_clips(clips: pd.DataFrame, clip_ids: Sequence[str], source: str) -> pd.DataFrame:
    """Return the clips of these ids, in their order.

    Raises:
        UnknownClipError: if there is no such clip in `clips`, which come from `source`.
    """
    every = clips["clip_id"].tolist()
    present = set(every)
    unknown = [clip_id for clip_id in clip_ids if clip_id not in present]
    if unknown:
        like = difflib.get_close_matches(unknown[0], every, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(map(repr, like))}?" if like else ""
        raise UnknownClipError(f"{source} has no clip {unknown[0]!r}{hint}")
    return clips.set_index("clip_id", drop=False).loc[list(clip_ids)].reset_index(drop=True)


def wav(samples: npt.NDArray[np.int16], sample_rate_hz: int) -> bytes:
    """Return a WAV file of these samples, mono 16 bit."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate_hz)
        file.writeframes(np.ascontiguousarray(samples, dtype="<i2").tobytes())
    return buffer.getvalue()
