"""Which clips may be put together: of distinct recordings, with few enough instruments, and of one genre, key or tempo."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.runtime.errors import UserError
from instrumentarium.tables.schemas import PITCH_CLASSES
from instrumentarium.training.augment.params import Partners

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int_]

TRIES = 64
"""Clips that are drawn to find a row's partners among; where there are fewer, each is tried once."""
TEMPO_TOLERANCE = 0.05
"""Tempi that differ by no more are the same, as in the evaluation of tempo estimation."""


class PartnersError(UserError, ValueError):
    """Clips cannot be put together in the way that params.yaml asks for."""


@dataclass(frozen=True)
class ClipTraits:
    """What decides which training clips go together, row by row as the samples and labels.

    Attributes:
        recording: its id.
        genre: "" where it is not known.
        scale: the tonic of the major key with the clip's notes, 0 for C to 11; -1 where it is not known. A minor key has
            the notes of the major key three semitones above, its relative.
        tempo_bpm: nan where it is not known.
    """

    recording: npt.NDArray[np.str_]
    genre: npt.NDArray[np.str_]
    scale: IntArray
    tempo_bpm: npt.NDArray[np.float64]


def clip_traits(
    clips: pd.DataFrame, recordings: Mapping[str, str], keys_tempos: pd.DataFrame | None = None
) -> ClipTraits:
    """Return the traits of clips.

    Args:
        clips: columns clip_id and genre.
        recordings: clip_id to recording_id.
        keys_tempos: the table of that name; None where nobody asks for keys or tempi.

    Raises:
        PartnersError: if a recording is not in the table.
    """
    ids = [recordings[clip_id] for clip_id in clips["clip_id"]]
    scale, tempo = np.full(len(ids), -1), np.full(len(ids), np.nan)
    if keys_tempos is not None:
        table = keys_tempos.set_index("recording_id")
        missing = sorted(set(ids) - set(table.index))
        if missing:
            raise PartnersError(
                f"{len(missing)} recordings have no key and tempo, first {missing[0]}; run `dvc repro keys`"
            )
        rows = table.loc[ids]
        scale = np.array([_scale(key, mode) for key, mode in zip(rows["key"], rows["mode"], strict=True)])
        tempo = np.where(rows["tempo_bpm"] > 0, rows["tempo_bpm"], np.nan)
    return ClipTraits(np.array(ids, dtype=np.str_), clips["genre"].to_numpy(dtype=np.str_), scale, tempo)


def _scale(key: str, mode: str) -> int:
    if key not in PITCH_CLASSES:
        return -1
    return (PITCH_CLASSES.index(key) + (3 if mode == "minor" else 0)) % len(PITCH_CLASSES)


class PartnerPool:
    """The clips that can be added to another, by one rule.

    Args:
        rule: what they must have in common. A clip of which it is not known has no partners.
        traits: of the clips.
        present: (clips, instruments), True where an instrument is known to play; clips without any are nobody's partners.

    Raises:
        PartnersError: if no clip has a partner.
    """

    def __init__(self, rule: Partners, traits: ClipTraits, present: BoolArray) -> None:
        self.rule, self.traits, self.present = rule, traits, present
        self.sounding = np.flatnonzero(present.any(axis=1))
        self.recording = np.unique(traits.recording, return_inverse=True)[1]
        self.groups: dict[object, IntArray] = {}
        self.by_tempo = self.sounding[np.isfinite(traits.tempo_bpm[self.sounding])]
        self.by_tempo = self.by_tempo[np.argsort(traits.tempo_bpm[self.by_tempo], kind="stable")]
        for column, unknown in ((traits.genre, ""), (traits.scale, -1)):
            if (column is traits.genre) == (rule == "genre") and rule in {"genre", "key"}:
                known = self.sounding[column[self.sounding] != unknown]
                self.groups = {value: known[column[known] == value] for value in np.unique(column[known])}
        if not any(len(np.unique(self.recording[self.candidates(clip)])) > 1 for clip in self.sounding.tolist()):
            what = "at all" if rule == "random" else f"of one {rule}"
            raise PartnersError(
                f"no two training recordings {what} can be put together; choose other `partners` for sum or concatenate, "
                "or another augmentation"
            )

    def candidates(self, clip: int) -> IntArray:
        """Return the clips that have in common with `clip` what the rule says, itself among them."""
        if self.rule == "random":
            return self.sounding
        if self.rule == "tempo":
            tempo = self.traits.tempo_bpm[clip]
            tempi = self.traits.tempo_bpm[self.by_tempo]
            low, high = np.searchsorted(tempi, (tempo / (1 + TEMPO_TOLERANCE), tempo * (1 + TEMPO_TOLERANCE)))
            return self.by_tempo[low:high]
        value = self.traits.genre[clip] if self.rule == "genre" else self.traits.scale[clip]
        return self.groups.get(value, np.empty(0, dtype=np.int_))

    def draw(self, clip: int, count: int, most_instruments: int, rng: np.random.Generator) -> list[int]:
        """Return up to `count` partners of a clip: of recordings that all differ, with no more instruments in all."""
        pool = self.candidates(clip)
        tried = rng.permutation(pool) if len(pool) <= TRIES else pool[rng.integers(len(pool), size=TRIES)]
        found: list[int] = []
        recordings, playing = {self.recording[clip]}, self.present[clip].copy()
        for other in tried:
            if len(found) == count:
                break
            together = playing | self.present[other]
            if self.recording[other] not in recordings and together.sum() <= most_instruments:
                found.append(int(other))
                recordings.add(self.recording[other])
                playing = together
        return found
