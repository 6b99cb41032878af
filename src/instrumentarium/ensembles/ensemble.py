"""The ensembles of a run: `mean` and `stacking`, each published as a system of its own with copies of its members."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from instrumentarium.baselines.publishing import Publisher, of_validation
from instrumentarium.baselines.rows import Rows, ScoredWindows
from instrumentarium.baselines.systemfile import CARD, MEMBERS, MODEL_CARD, load_system
from instrumentarium.clips.labels import LabelArrays
from instrumentarium.ensembles.params import EnsembleParams
from instrumentarium.ensembles.stacking import stack
from instrumentarium.evaluation.ranking import map_macro
from instrumentarium.evaluation.systems import MODEL
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.sealed import read_seal, sealed

Float32 = npt.NDArray[np.float32]

MEAN, STACKING = "mean", "stacking"
CHOICE = "choice.json"
"""Says which of the two scored higher on validation: the one that `ensemble` means."""
MODEL_FILES = (MODEL_CARD, "model.safetensors")
SYSTEM_FILES = (CARD, "arrays.safetensors")


class EnsembleError(UserError, ValueError):
    """Systems that cannot be put together; the message says which."""


@dataclass(frozen=True)
class Members:
    """The systems at hand: where their folders lie, and what the model says of every window of the scored clips.

    Attributes:
        folders: name to folder; the model among them.
        windows: (windows, instruments + embedding), the model's probabilities and embeddings.
    """

    folders: Mapping[str, Path]
    windows: Float32


def read_windows(path: Path, scored: ScoredWindows, instruments: int) -> Float32:
    """Read what the model says of windows, (windows, instruments + embedding).

    Raises:
        EnsembleError: if it cannot be read, is not of these windows, or a number is not finite.
    """
    again = "run `dvc repro --force score descriptors`"
    try:
        windows = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise EnsembleError(f"{path} cannot be read ({error}); {again}") from error
    if windows.ndim != 2 or len(windows) != len(scored.owners) or windows.shape[1] <= instruments:
        raise EnsembleError(
            f"{path} is of shape {windows.shape}, and there are {len(scored.owners)} windows with descriptors: the model "
            f"was trained with other windows, or on other clips; {again}"
        )
    if not np.isfinite(windows).all():
        raise EnsembleError(f"{path} holds numbers that are not finite: the training diverged; train again")
    return np.asarray(windows, dtype=np.float32)


def make_ensembles(publisher: Publisher, members: Members, params: EnsembleParams) -> dict[str, float]:
    """Publish `mean` and `stacking`, say which scored higher on validation, and return the macro AP there of each.

    Raises:
        EnsembleError: if a member is unknown, or validation has but one recording.
        SystemFileError, MissingSystemError: if a member cannot be loaded.
    """
    unknown = [name for name in params.members if name not in members.folders]
    if unknown:
        raise EnsembleError(
            f"ensemble.members: {unknown[0]!r} is no system; there are {', '.join(sorted(members.folders))}"
        )
    scored, known = publisher.scored, publisher.known
    count = len(publisher.taxonomy)
    validation = scored.splits == "validation"

    by_name = {MODEL: members.windows[:, :count].astype(np.float64)}
    for name in params.members:
        if name != MODEL:
            by_name[name] = load_system(members.folders[name])[0].scores(scored.values)
    mean = np.mean([by_name[name] for name in params.members], axis=0)
    seals = {name: _copy(members.folders[name], publisher.systems / MEAN, name) for name in params.members}
    averaged = publisher.publish(MEAN, "mean", {}, scored.pooled(mean), seals)

    values = np.concatenate([members.windows[:, count:], scored.values], axis=1)
    mine = validation[scored.owners]
    rows = clip_rows(scored, known, values).take(mine)
    try:
        regression, own, others = stack(rows, values[~mine], params.stacking_c, params.stacking_folds)
    except ValueError as error:
        raise EnsembleError(str(error)) from error
    stacked = np.empty((len(values), count))
    stacked[mine], stacked[~mine] = own, others
    seal = {MODEL: _copy(members.folders[MODEL], publisher.systems / STACKING, MODEL)}
    pooled = publisher.publish(STACKING, "stacking", regression.arrays(), scored.pooled(stacked), seal)

    found = {
        name: round(float(map_macro(*of_validation(scored, scores, known))), 6)
        for name, scores in {MEAN: averaged, STACKING: pooled}.items()
    }
    chosen = max(found, key=lambda name: (found[name], name == MEAN))
    write_json(publisher.systems / CHOICE, sealed({"chosen": chosen, "validation_map_macro": found}))
    return found


def clip_rows(scored: ScoredWindows, known: LabelArrays, values: Float32) -> Rows:
    """Return all windows as rows, weighted so that each clip counts once."""
    totals = np.bincount(scored.owners, weights=scored.weights, minlength=len(scored.clip_ids))
    return Rows(
        values,
        known.targets[scored.owners],
        known.observed[scored.owners],
        scored.weights / totals[scored.owners],
        scored.recordings[scored.owners],
    )


def _copy(source: Path, system: Path, name: str) -> str:
    """Copy a member's files into the folder of a system of it; return what its description says of itself."""
    files: Sequence[str] = MODEL_FILES if (source / MODEL_CARD).exists() else SYSTEM_FILES
    target = system / MEMBERS / name
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(source / file, target / file)
    return read_seal(target / files[0])
