"""Which clips are explained, and for which instrument: the best and the worst predictions, or those that are asked for."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from instrumentarium.explaining.errors import UnknownClipError
from instrumentarium.explaining.scored import ScoredClips

Truth = Literal["plays", "silent", "unknown"]


@dataclass(frozen=True)
class Choice:
    """One picture to make.

    Attributes:
        name: of the picture's file, without suffix.
        row: of the clip among the scored clips.
        clip_id: of that clip.
        instrument: the code of the instrument whose score is explained.
        instrument_name: its name for people.
        column: its column among the scores.
        truth: whether it plays, as far as labels say.
        score: the clip's probability of it.
    """

    name: str
    row: int
    clip_id: str
    instrument: str
    instrument_name: str
    column: int
    truth: Truth
    score: float


def choose_clips(scored: ScoredClips, per_instrument: int) -> list[Choice]:
    """Return, instrument by instrument, the test clips with the best and the worst predictions.

    Best are clips in which the instrument plays, by the highest score. Worst are clips whose score lies farthest from the
    truth, whether the instrument plays or not. Only labelled pairs count; of one recording only one clip of each kind is
    taken; equal scores go by clip id. An instrument that plays in no test clip has no best ones.
    """
    choices: list[Choice] = []
    test = scored.splits == "test"
    for column, code in enumerate(scored.taxonomy.codes):
        labelled = test & scored.observed[:, column]
        plays, scores = scored.targets[:, column], scored.scores[:, column]
        kinds = (("best", labelled & plays, scores), ("worst", labelled, np.abs(scores - plays)))
        for kind, allowed, merit in kinds:
            for number, row in enumerate(_highest(scored, allowed, merit, per_instrument), 1):
                choices.append(_choice(scored, row, code, f"{code}-{kind}-{number}"))
    return choices


def choose_named(scored: ScoredClips, clip_ids: Sequence[str]) -> list[Choice]:
    """Return a choice for each instrument that is known to play in each of `clip_ids`; for the highest score where none is.

    Raises:
        UnknownClipError: if a clip is not among the scored ones; the message names the closest that are.
    """
    rows = {clip_id: row for row, clip_id in enumerate(scored.clip_ids)}
    choices: list[Choice] = []
    for number, clip_id in enumerate(dict.fromkeys(clip_ids), 1):
        if clip_id not in rows:
            close = difflib.get_close_matches(clip_id, scored.clip_ids, n=3, cutoff=0.5)
            raise UnknownClipError(
                f"explain.clips: {clip_id!r} is not among the {len(scored.clip_ids)} validation and test clips; closest: "
                f"{', '.join(map(repr, close)) or 'none'}. Ids are listed in data/scores/model.csv; training "
                "clips have no score"
            )
        row = rows[clip_id]
        playing = [code for code, plays in zip(scored.taxonomy.codes, scored.targets[row], strict=True) if plays]
        explained = playing or [scored.taxonomy.codes[int(scored.scores[row].argmax())]]
        choices.extend(_choice(scored, row, code, f"clip-{number:02d}-{code}") for code in explained)
    return choices


def _choice(scored: ScoredClips, row: int, code: str, name: str) -> Choice:
    column = scored.taxonomy.codes.index(code)
    labelled: Truth = "plays" if scored.targets[row, column] else "silent"
    return Choice(
        name=name,
        row=row,
        clip_id=scored.clip_ids[row],
        instrument=code,
        instrument_name=scored.taxonomy.names[code],
        column=column,
        truth=labelled if scored.observed[row, column] else "unknown",
        score=float(scored.scores[row, column]),
    )


def _highest(
    scored: ScoredClips, allowed: npt.NDArray[np.bool_], merit: npt.NDArray[np.float64], count: int
) -> Iterator[int]:
    """Yield up to `count` rows among the `allowed`, of as many recordings, by falling `merit`, then by clip id."""
    taken: set[str] = set()
    for row in np.argsort(-merit, kind="stable"):
        if len(taken) == count:
            return
        recording = str(scored.recordings[row])
        if allowed[row] and recording not in taken:
            taken.add(recording)
            yield int(row)
