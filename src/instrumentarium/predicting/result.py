"""What is said of one file, and how it stands in JSON."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrumentarium.predicting.timeline import FloatArray, Segment
from instrumentarium.tables.taxonomy import CODES


@dataclass(frozen=True, eq=False)
class Prediction:
    """Which instruments play in a recording, and when; of one that cannot be used, why."""

    path: str  # readable text, whatever bytes the file's name has
    duration_s: float | None
    scores: FloatArray  # (instruments,)
    present: npt.NDArray[np.bool_]  # (instruments,)
    segments: tuple[Segment, ...]
    frames: FloatArray  # (frames, instruments), smoothed; what the segments are cut from
    error: str | None

    def content(self) -> dict[str, object]:
        """Return the prediction as JSON writes it."""
        known = (
            [] if self.error is not None else list(zip(CODES, self.scores.tolist(), self.present.tolist(), strict=True))
        )
        return {
            "path": self.path,
            "duration_s": None if self.duration_s is None else round(self.duration_s, 6),
            "instruments": {code: {"score": round(score, 6), "present": present} for code, score, present in known},
            "timeline": [
                {"instrument": part.instrument, "start_s": part.start_s, "end_s": part.end_s, "score": part.score}
                for part in self.segments
            ],
            "error": self.error,
        }


def failed(path: str, error: Exception) -> Prediction:
    """Return what is said of a file that cannot be used."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    none = np.zeros(0)
    return Prediction(path, None, none, none.astype(np.bool_), (), none.reshape(0, len(CODES)), reason)
