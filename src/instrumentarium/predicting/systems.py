"""Other systems than the model alone, as what the ladder runs: each takes windows, and gives their probabilities.

A system's folder is found by name beside the model's: the classical ones in `baselines/`, those of others in `ensembles/`.
Descriptors are computed here by the function that the descriptors stage uses, on windows cut the same way.
"""

from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from instrumentarium.baselines.errors import SystemFileError
from instrumentarium.baselines.system import Linear, System
from instrumentarium.baselines.systemfile import CARD, MODEL_CARD, SystemCard, load_arrays, load_system, member_folder
from instrumentarium.descriptors.windows import WindowDescriptors
from instrumentarium.ensembles.ensemble import CHOICE, MEAN, STACKING
from instrumentarium.evaluation.systems import MODEL
from instrumentarium.predicting.ladder import WindowModel
from instrumentarium.predicting.modelsource import WORKSPACE, default_model, find_model
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.sealed import DamagedFileError, read_json, unseal
from instrumentarium.scoring.recognizer import Recognizer

ENSEMBLE = "ensemble"
"""Means the ensemble that scored higher on validation."""
FOLDERS = ("baselines", "ensembles")


class UnknownSystemError(UserError, ValueError):
    """A name that no system has."""


def find_scorer(system: str, model: str | None) -> Path:
    """Return the folder of what scores, by what a command was given.

    Args:
        system: as `find_system` takes it; other systems lie beside a trained model, and none beside the shipped one.
        model: as `find_model` takes it; None: the workspace's, or the shipped one where that will do.

    Raises:
        UnknownModelError, RevisionError, HubError: if there is no such model.
        UnknownSystemError, SystemFileError: if there is no such system.
    """
    if model is None and system == MODEL:
        return default_model()
    return find_system(system, find_model(str(WORKSPACE) if model is None else model))


def find_system(name: str, model: Path) -> Path:
    """Return the folder of the system that `name` names: a folder itself, or a system beside the model's folder.

    Raises:
        UnknownSystemError: if there is none; the message names those there are.
        SystemFileError: if the file that says what `ensemble` means is damaged.
    """
    if name == MODEL:
        return model
    if (Path(name) / CARD).exists():
        return Path(name)
    beside = model.absolute().parent
    found = {
        path.parent.name: path.parent for folder in FOLDERS for path in sorted((beside / folder).glob(f"*/{CARD}"))
    }
    choice = beside / "ensembles" / CHOICE
    if name == ENSEMBLE and choice.exists():
        name = _chosen(choice)
    if name not in found:
        there = ", ".join([MODEL, *found, *([ENSEMBLE] if choice.exists() else [])])
        raise UnknownSystemError(
            f"{name} is no folder of a system, and none of that name lies beside {model}; there are {there}; run "
            "`dvc repro baseline ensemble` to have all"
        )
    return found[name]


def _chosen(path: Path) -> str:
    try:
        content = read_json(path)
        return str(unseal(cast("dict[str, object]", content), path)[0]["chosen"])
    except (DamagedFileError, KeyError, AttributeError) as error:
        raise SystemFileError(f"{path} does not say which ensemble to take ({error}); name one of them") from error


class DescriptorRecognizer:
    """A system over descriptors alone."""

    def __init__(self, system: System, card: SystemCard) -> None:
        self.system, self.card = system, card
        self.describe = WindowDescriptors(card.descriptors.params, card.sample_rate_hz)

    def windows(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """Return the probabilities of windows (batch, samples), (batch, instruments)."""
        return self.system.scores(self.describe(windows)).astype(np.float32)


class MeanRecognizer:
    """The mean of what several systems say of a window."""

    def __init__(self, members: list[WindowModel], card: SystemCard) -> None:
        self.members, self.card = members, card

    def windows(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """Return the probabilities of windows (batch, samples), (batch, instruments)."""
        count = len(self.card.labels)
        scores = [member.windows(windows)[:, :count].astype(np.float64) for member in self.members]
        return np.asarray(np.mean(scores, axis=0), dtype=np.float32)


class StackingRecognizer:
    """A regression over the model's embedding and descriptors of a window."""

    def __init__(self, model: Recognizer, regression: Linear, card: SystemCard) -> None:
        self.model, self.regression, self.card = model, regression, card
        self.describe = WindowDescriptors(card.descriptors.params, card.sample_rate_hz)

    def windows(self, windows: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
        """Return the probabilities of windows (batch, samples), (batch, instruments)."""
        embeddings = self.model.windows(windows)[:, len(self.card.labels) :]
        values = np.concatenate([embeddings, self.describe(windows)], axis=1)
        return self.regression.scores(values).astype(np.float32)


def load_recognizer(folder: Path, device: torch.device | None = None) -> WindowModel:
    """Return what runs the model or the system of `folder`; checksums of all its files are verified.

    Raises:
        MissingModelError, MissingSystemError: if a file is missing.
        ModelFileError, SystemFileError: if one is damaged, or they do not belong together.
    """
    if not (folder / CARD).exists():
        return Recognizer.load(folder, device)
    card, arrays = load_arrays(folder)
    if card.kind not in {MEAN, STACKING}:
        return DescriptorRecognizer(*load_system(folder))
    members = {name: load_recognizer(member_folder(folder, card, name), device) for name in card.members}
    for name, member in members.items():
        if member.card.taxonomy.codes != card.taxonomy.codes or member.card.windows != card.windows:
            raise SystemFileError(
                f"{folder}: the member {name} has other instruments or windows; make the system again"
            )
    if card.kind == MEAN:
        return MeanRecognizer(list(members.values()), card)
    model = members.get(MODEL)
    try:
        regression = Linear.restored(arrays)
    except KeyError as error:
        raise SystemFileError(f"{folder} has no array {error}; make the system again") from error
    if not isinstance(model, Recognizer):
        raise SystemFileError(f"{folder} has no model that its regression could stand on; make the system again")
    return StackingRecognizer(model, regression, card)


def description_of(folder: Path) -> Path:
    """Return the file that describes the model or the system of `folder`, and holds its own sha256."""
    return folder / (CARD if (folder / CARD).exists() else MODEL_CARD)
