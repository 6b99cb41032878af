"""A clip of the sample store as a WAV file: the samples that the model was trained on or scored."""

import difflib
import wave
from pathlib import Path

import numpy as np
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
    clips = read_clips([corpus])
    mine: pd.DataFrame = clips[clips["clip_id"] == clip_id]
    if mine.empty:
        like = difflib.get_close_matches(clip_id, clips["clip_id"].tolist(), n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(map(repr, like))}?" if like else ""
        raise UnknownClipError(f"{corpus / 'clips.csv'} has no clip {clip_id!r}{hint}")
    samples = np.ascontiguousarray(open_samples(mine, [corpus]).read(0), dtype="<i2")
    with atomic_path(out) as temporary, wave.open(str(temporary), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate_hz)
        file.writeframes(samples.tobytes())
    return len(samples) / sample_rate_hz
