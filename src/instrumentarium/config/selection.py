"""What params.yaml selects: one front end, backbone, head, loss, augmentation, windows and recipe.

A model's entry names what it goes with; `frontend`, `head`, `loss` and `augmentation` may name something else. Stages read
what is selected, each part from a file of its own, so that only a change of what is used makes them run again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from instrumentarium.clips.params import WindowsParams
from instrumentarium.config.models import ModelParams
from instrumentarium.frontends.params import AnyFrontEndParams
from instrumentarium.keys.params import KeysParams
from instrumentarium.models.params import WAVEFORM_KINDS, BackboneParams, HeadParams, lacks_weights, unfit_classifier
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.section import closest
from instrumentarium.training.augment.params import AugmentParams
from instrumentarium.training.objectives.params import LossParams
from instrumentarium.training.params import RecipeParams

AUTO = "auto"
"""The value of a selector that leaves the choice to the model's entry."""


@dataclass(frozen=True)
class Entries:
    """All that can be selected, by name."""

    frontends: Mapping[str, AnyFrontEndParams]
    heads: Mapping[str, HeadParams]
    losses: Mapping[str, LossParams]
    augmentations: Mapping[str, AugmentParams]
    windows: Mapping[str, WindowsParams]


@dataclass(frozen=True)
class Selectors:
    """What is chosen apart from the model; AUTO where nothing is."""

    frontend: str = AUTO
    head: str = AUTO
    loss: str = AUTO
    augmentation: str = AUTO


@dataclass(frozen=True)
class Selection:
    """One of everything."""

    frontend: AnyFrontEndParams
    backbone: BackboneParams
    head: HeadParams
    loss: LossParams
    augmentation: AugmentParams
    windows: WindowsParams
    recipe: RecipeParams

    def problems(self) -> list[str]:
        """Say what does not fit together."""
        spectra = self.frontend.makes_spectra
        found = []
        if spectra == (self.backbone.kind in WAVEFORM_KINDS):
            takes, makes = ("waveforms", "spectra") if spectra else ("spectra", "waveforms")
            found.append(
                f"backbone {self.backbone.kind} takes {takes}, and the front end {self.frontend.kind} makes {makes}; "
                "choose another `frontend` or `model`"
            )
        if (lacking := lacks_weights(self.backbone, self.recipe.pretrained)) is not None:
            found.append(lacking)
        if (unfit := unfit_classifier(self.backbone, self.head, self.recipe.pretrained)) is not None:
            found.append(unfit)
        if not spectra and self.augmentation.changes_spectra:
            found.append(
                f"the augmentation changes spectra, and the front end {self.frontend.kind} makes none; choose an entry of "
                f"`augmentations` without {', '.join(self.augmentation.spectral)}"
            )
        if self.windows.pitch_shift_semitones and not (spectra and self.augmentation.shifts_pitch):
            found.append(
                f"windows.pitch_shift_semitones is {self.windows.pitch_shift_semitones:g}, and the model is trained "
                "without warps, so a shifted window is something it has never seen; set it to 0, or choose an "
                "augmentation with warp or pitch_shift"
            )
        return found


def select(
    model_name: str, model: ModelParams, collection: str, entries: Entries, selectors: Selectors
) -> tuple[Selection | None, list[str]]:
    """Return what a model is made of and trained by on a collection, and what is wrong with it; None if names are."""
    problems: list[str] = []
    recipe = model.recipes[collection]

    def named(kind: str, entry: str, chosen: str, default: str, where: str) -> Any:
        name, key = (default, f"models.{model_name}.{where}") if chosen == AUTO else (chosen, kind)
        known = getattr(entries, entry)
        if name not in known:
            problems.append(f"{key}: {name!r} is not a key of `{entry}` ({closest(name, list(known))})")
        return known.get(name)

    parts = {
        "frontend": named(
            "frontend", "frontends", selectors.frontend, model.frontend[collection], f"frontend.{collection}"
        ),
        "head": named("head", "heads", selectors.head, model.head, "head"),
        "loss": named("loss", "losses", selectors.loss, model.loss, "loss"),
        "augmentation": named(
            "augmentation",
            "augmentations",
            selectors.augmentation,
            recipe.augmentation,
            f"recipes.{collection}.augmentation",
        ),
        "windows": named("windows", "windows", AUTO, recipe.windows, f"recipes.{collection}.windows"),
    }
    if problems:
        return None, problems
    selection = Selection(backbone=model.backbone, recipe=recipe, **parts)
    where = f"models.{model_name}.recipes.{collection}"
    return selection, [f"{where}: {problem}" for problem in selection.problems()]


def write_selection(selection: Selection, folder: Path) -> None:
    """Write each part of a selection into a JSON file of its own in `folder`, and whether keys or tempi are asked for."""
    for field in fields(selection):
        write_json(folder / f"{field.name}.json", getattr(selection, field.name).model_dump(mode="json"))
    by = KeysParams(by=tuple(sorted(selection.augmentation.partners & {"key", "tempo"})))
    write_json(folder / "keys.json", by.model_dump(mode="json"))
