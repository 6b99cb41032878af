"""What one way of training gives on real sound against another, over seeds, as one line of JSON.

    python benchmarks/notes_gain.py FOLDER --half report --base seed1 --base seed2 --other more1 --other more2

FOLDER holds real notes and negatives, as benchmarks/real_notes.py takes it. `--base` and `--other` name trained models,
each as often as there were seeds; thresholds lie in their folders. Choose by one half of the recordings, report the other.

top1        share of the notes for which the right one of the folder's instruments has the highest score
top1_macro  the same by instrument, then the mean over instruments
negatives   share of negatives in which an instrument is predicted

Each as base and other, means over models, and `difference` with a 95 % interval of a paired bootstrap over recordings, the
same draws for both; `by_model` has every model's own value.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import numpy.typing as npt
import typer
from real_notes import RESAMPLES, SEED, Half, Notes, read_notes

from instrumentarium.clips.collection import open_samples
from instrumentarium.evaluation.bootstrap import draw_weights, percentile_intervals
from instrumentarium.predicting.modelsource import read_thresholds, thresholds_of
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.stage import run
from instrumentarium.scoring.recognizer import Recognizer

Hits = dict[str, npt.NDArray[np.bool_]]


class UnlikeModelsError(UserError, ValueError):
    """Models that cannot be measured by the same notes."""


def main(
    folder: Annotated[Path, typer.Argument(help="Folder with index.csv and the audio it names.")],
    base: Annotated[list[Path], typer.Option(help="Folder of a trained model; may be repeated.")],
    other: Annotated[list[Path], typer.Option(help="Folder of a model trained otherwise; may be repeated.")],
    half: Annotated[Half | None, typer.Option(help="Count one half of the recordings only.")] = None,
) -> None:
    """Compare two ways of training on real notes, over seeds."""
    first = Recognizer.load(base[0]).card
    with tempfile.TemporaryDirectory(prefix="notes-gain-") as name:
        own = Path(name) / "own"
        notes = read_notes(folder, own, first.taxonomy, first.sample_rate_hz, half)
        found = [[hits(each, notes, own, first.taxonomy.codes) for each in models] for models in (base, other)]
    print(json.dumps(compared(notes, *found), allow_nan=False))


def hits(model: Path, notes: Notes, own: Path, codes: tuple[str, ...]) -> Hits:
    """Return of each clip whether its instrument has the highest score, and whether an instrument is predicted.

    Raises:
        UnlikeModelsError: if the model has other instruments.
    """
    recognizer = Recognizer.load(model)
    if recognizer.card.taxonomy.codes != codes:
        raise UnlikeModelsError(f"{model} knows {', '.join(recognizer.card.taxonomy.codes)}, not {', '.join(codes)}")
    limits, _ = read_thresholds(thresholds_of(model), codes)
    scores = recognizer.clips(open_samples(notes.clips, [own])).scores
    highest = notes.present[scores[:, notes.present].argmax(axis=1)]
    return {"right": highest == notes.truth, "predicted": (scores >= limits).any(axis=1)}


def compared(notes: Notes, base: list[Hits], other: list[Hits]) -> dict[str, Any]:
    """Return the three metrics of both sides, with the difference and its interval."""
    recordings = notes.clips["recording_id"].to_numpy(dtype=str)
    weights = np.vstack([np.ones(len(recordings)), draw_weights(recordings, RESAMPLES, SEED)])  # first as they are
    instruments = [notes.notes & (notes.truth == each) for each in np.unique(notes.truth[notes.notes])]
    metrics = {
        "top1": ("right", [notes.notes]),
        "top1_macro": ("right", instruments),
        "negatives": ("predicted", [notes.negatives]),
    }
    found = {}
    for name, (kind, groups) in metrics.items():
        sides = [np.array([_shares(each[kind], groups, weights) for each in side]) for side in (base, other)]
        means = [side.mean(axis=0) for side in sides]
        low, high = percentile_intervals({name: (means[1] - means[0])[1:]})[name]
        found[name] = {
            "base": round(float(means[0][0]), 4),
            "other": round(float(means[1][0]), 4),
            "difference": round(float(means[1][0] - means[0][0]), 4),
            "interval": [round(float(low), 4), round(float(high), 4)],
            "by_model": [[round(float(each), 4) for each in side[:, 0]] for side in sides],
        }
    return found


def _shares(
    true: npt.NDArray[np.bool_], groups: list[npt.NDArray[np.bool_]], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the mean over groups of the share of clips that are true, (draws,); groups that a draw lacks don't count."""
    drawn = np.stack([weights[:, group].sum(axis=1) for group in groups])
    hits = np.stack([weights[:, group] @ true[group] for group in groups])
    with np.errstate(invalid="ignore"):
        return np.where(drawn > 0, hits / drawn, 0.0).sum(axis=0) / (drawn > 0).sum(axis=0)


if __name__ == "__main__":
    run(main)
