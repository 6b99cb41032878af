"""A review under way: the questions in order, and all that the page shows of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from instrumentarium.clips.collection import open_samples
from instrumentarium.drawing.image import frequency_ticks
from instrumentarium.reporting.listening import named_clips
from instrumentarium.reviewing.decisions import Decisions
from instrumentarium.reviewing.questions import Question, Word, word_of
from instrumentarium.tables.taxonomy import Taxonomy


@dataclass(frozen=True)
class Material:
    """What a review shows of clips.

    Attributes:
        clips: columns of the clips table, of all clips.
        labels: columns clip_id, instrument, relevance.
        corpora: folders of the ingested corpora.
        taxonomy: of the run.
        sample_rate_hz: of the sample store.
    """

    clips: pd.DataFrame
    labels: pd.DataFrame
    corpora: Sequence[Path]
    taxonomy: Taxonomy
    sample_rate_hz: int


class Review:
    """Questions by their place in the queue, from 0, and what has been decided of them."""

    def __init__(self, questions: Sequence[Question], material: Material, decisions: Decisions) -> None:
        """Look up the clips of the questions.

        Raises:
            UnknownClipError: if a question is about a clip that there is not.
            MissingSamplesError, SamplesError: if the samples of a corpus are missing or damaged.
        """
        self.questions = questions
        self.decisions = decisions
        self.sample_rate_hz = material.sample_rate_hz
        self._taxonomy = material.taxonomy
        clip_ids = list(dict.fromkeys(question.clip_id for question in questions))
        self._clips = named_clips(material.clips, clip_ids, "the collection")
        self._samples = open_samples(self._clips, material.corpora)
        self._row = {clip_id: row for row, clip_id in enumerate(clip_ids)}
        mine = material.labels[material.labels["clip_id"].isin(self._row)]
        self._labels: dict[str, dict[str, float]] = {clip_id: {} for clip_id in clip_ids}
        for clip_id, code, relevance in zip(mine["clip_id"], mine["instrument"], mine["relevance"], strict=True):
            self._labels[clip_id][code] = float(relevance)

    def __len__(self) -> int:
        """Return the number of questions."""
        return len(self.questions)

    def decided(self) -> int:
        """Return the number of questions that have an answer."""
        return sum(question.pair in self.decisions for question in self.questions)

    def next_open(self, after: int) -> int | None:
        """Return the first undecided question behind `after`, from the end on from the first; never `after` itself."""
        places = (place % len(self) for place in range(after + 1, after + len(self)))
        return next((place for place in places if self.questions[place].pair not in self.decisions), None)

    def first_open(self) -> int | None:
        """Return the first undecided question."""
        return self.next_open(-1) if len(self) > 1 else (None if self.decided() else 0)

    def samples(self, place: int) -> npt.NDArray[np.int16]:
        """Return the samples of the clip a question is about, (n_samples,)."""
        return self._samples.read(self._row[self.questions[place].clip_id])

    def state(self) -> dict[str, object]:
        """Return how far the review has come."""
        return {
            "count": len(self),
            "decided": self.decided(),
            "first_open": self.first_open(),
            "file": str(self.decisions.path),
            "file_name": self.decisions.path.name,
            "frequencies": frequency_ticks(self.sample_rate_hz),
        }

    def describe(self, place: int) -> dict[str, object]:
        """Return all that the page shows of a question, but sound and picture."""
        question = self.questions[place]
        clip = self._clips.iloc[self._row[question.clip_id]]
        names = self._taxonomy.names
        by_word: dict[Word, list[str]] = {"present": [], "absent": [], "unsure": []}
        for code in self._taxonomy.codes:
            if code != question.instrument:
                by_word[self._label(question.clip_id, code)].append(names[code])
        made = self.decisions[question.pair]
        decision = made and {"word": word_of(made.relevance), "source": made.source, "note": made.note}
        return {
            "place": place,
            "clip_id": question.clip_id,
            "recording_id": str(clip["recording_id"]),
            "genre": str(clip["genre"]),
            "duration_s": int(clip["n_samples"]) / self.sample_rate_hz,
            "instrument": names[question.instrument],
            "stated": question.stated,
            "relevance": self._labels[question.clip_id].get(question.instrument),
            "proposed": question.proposed,
            "evidence": [list(pair) for pair in question.evidence],
            "others": by_word,
            "decision": decision,
            "decided": self.decided(),
            "next_open": self.next_open(place),
        }

    def _label(self, clip_id: str, code: str) -> Word:
        """Return what is known of a pair, decisions before labels."""
        decided = self.decisions[clip_id, code]
        return word_of(decided.relevance if decided else self._labels[clip_id].get(code))
