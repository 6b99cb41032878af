"""What is predicted for one recording, and how it stands in JSON."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrumentarium.predicting.timeline import FloatArray, Segment
from instrumentarium.tables.taxonomy import Taxonomy


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """Which instruments play in a recording, and when; of one that cannot be used, why."""

    path: str  # readable text, whatever bytes the file's name has
    taxonomy: Taxonomy  # the model's: what the columns below are
    duration_s: float | None
    scores: FloatArray  # (instruments,)
    present: npt.NDArray[np.bool_]  # (instruments,)
    segments: tuple[Segment, ...]
    frames: FloatArray  # (frames, instruments), smoothed; what the segments are cut from
    error: str | None
    note: str | None = None  # why the scores say nothing of the recording

    def playing(self) -> dict[str, float]:
        """Return the score of each instrument that plays, by its name, the highest first."""
        rows = zip(self.taxonomy.instruments, self.scores.tolist(), self.present.tolist(), strict=False)
        playing = {instrument.name: score for instrument, score, present in rows if present}
        return dict(sorted(playing.items(), key=lambda item: -item[1]))

    def __repr__(self) -> str:
        found = self.error or ", ".join(f"{name} {score:.2f}" for name, score in self.playing().items())
        return f"<Prediction {self.path!r}: {found or self.note or 'no instrument is recognised'}>"

    def content(self) -> dict[str, object]:
        """Return the prediction as JSON writes it."""
        instruments = {} if self.error is not None else instruments_content(self.taxonomy, self.scores, self.present)
        return {
            "path": self.path,
            "duration_s": None if self.duration_s is None else round(self.duration_s, 6),
            "instruments": instruments,
            "timeline": [
                {"instrument": part.instrument, "start_s": part.start_s, "end_s": part.end_s, "score": part.score}
                for part in self.segments
            ],
            "note": self.note,
            "error": self.error,
        }


def instruments_content(taxonomy: Taxonomy, scores: FloatArray, present: npt.NDArray[np.bool_]) -> dict[str, object]:
    """Return each instrument's score and whether it plays, by code, as JSON writes them."""
    rows = zip(taxonomy.codes, scores.tolist(), present.tolist(), strict=True)
    return {code: {"score": round(score, 6), "present": plays} for code, score, plays in rows}


def failed(path: str, error: Exception, taxonomy: Taxonomy) -> Prediction:
    """Return the prediction for a file that cannot be used: nothing but its error."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    none = np.zeros(0)
    return Prediction(path, taxonomy, None, none, none.astype(np.bool_), (), none.reshape(0, len(taxonomy)), reason)
