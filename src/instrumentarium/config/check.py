"""What only other libraries and files know of params.yaml: whether networks and files that it names exist."""

import math
import operator
from pathlib import Path

from instrumentarium.acquisition.soundfonts import SoundFontFile
from instrumentarium.config.selection import Selection, Selectors, select
from instrumentarium.config.whole import Params, unknown_corpora
from instrumentarium.frontends.build import build_frontend
from instrumentarium.models.backbones.base import FeatureShape, UnfitShapeError
from instrumentarium.models.backbones.build import check_shape
from instrumentarium.models.backbones.image import UnknownArchitectureError
from instrumentarium.models.params import WAVEFORM_KINDS, PathWeights
from instrumentarium.models.pretrained import weights_file
from instrumentarium.models.recognition import feature_shape
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.section import ParamsError
from instrumentarium.splitting.frozen import frozen_file
from instrumentarium.tables.overrides import overrides_file, read_overrides
from instrumentarium.tables.selection import is_file, read_taxonomy_file
from instrumentarium.training.augment.rooms import response_files


def check_architectures(params: Params) -> None:
    """Make sure that every model's network exists and takes the spectrograms that it gets, selected or not.

    Raises:
        ParamsError: naming each one that timm has not, and the closest ones it has, or that takes no such spectrograms,
            such as ones that are too small for it.
    """
    problems = []
    for name, model in params.models.items():
        if model.backbone.kind in WAVEFORM_KINDS:
            continue
        chosen = [params.selection] if name == params.model else []
        chosen += [
            selection
            for collection in params.collections
            if (selection := select(name, model, collection, params.entries, Selectors())[0]) is not None
        ]
        shapes = list(dict.fromkeys(_shape(selection, params.audio.sample_rate_hz) for selection in chosen))
        selected = 1 if name == params.model else 0  # which comes first, then the smallest
        fitting: list[FeatureShape] = []  # that prove larger ones to fit
        for shape in [*shapes[:selected], *sorted(shapes[selected:], key=math.prod)]:
            if any(all(map(operator.ge, shape, smaller)) and shape[0] == smaller[0] for smaller in fitting):
                continue
            try:
                if check_shape(model.backbone, shape):
                    fitting.append(shape)
            except UnknownArchitectureError as error:
                problems.append(f"models.{name}.backbone.{error}")
                break  # once is enough
            except UnfitShapeError as error:
                problems.append(f"models.{name}: {error}")
    _refuse(problems)


def _shape(selection: Selection, sample_rate_hz: int) -> FeatureShape:
    """Return the shape of the features of one window."""
    samples = round(selection.windows.length_s * sample_rate_hz)
    return feature_shape(build_frontend(selection.frontend, sample_rate_hz), samples)


def check_files(params: Params, splits: Path, taxonomies: Path, overrides: Path) -> None:
    """Make sure that what params.yaml names in the file system is there.

    That is a frozen split, overrides, archives, SoundFonts, weights, impulse responses and a taxonomy.

    Args:
        params: all of them.
        splits: the folder of splits made elsewhere.
        taxonomies: the folder of the user's taxonomies.
        overrides: the folder of the user's overrides of labels.

    Raises:
        ParamsError: naming each file or folder that is missing, or a taxonomy that cannot be used.
    """
    problems = []
    if params.split.frozen is not None:
        try:
            frozen_file(splits, params.split.frozen)
        except UserError as error:
            problems.append(str(error))
    if params.labels.overrides is not None:
        try:
            read_overrides(overrides_file(overrides, params.labels.overrides))
        except UserError as error:
            problems.append(str(error))
    folder = params.download.folder
    if folder is not None and not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        problems.append(
            f"download.archives: {folder} {what}; name a folder of published archives, or set it to null to fetch them"
        )
    for name, held in params.collections.items():
        for number, font in enumerate(held.soundfonts):
            problem = font.problem() if isinstance(font, SoundFontFile) else None
            if problem is not None:
                problems.append(f"collections.{name}.soundfonts[{number}]: {problem}")
    for name, model in params.models.items():
        for collection, recipe in model.recipes.items():
            if isinstance(recipe.pretrained, PathWeights):
                try:
                    weights_file(recipe.pretrained)
                except UserError as error:
                    problems.append(f"models.{name}.recipes.{collection}.pretrained.at: {error}")
    for name, augmentation in params.augmentations.items():
        rooms = augmentation.impulse_response
        if rooms is not None and rooms.measured is not None:
            try:
                response_files(rooms.measured)
            except UserError as error:
                problems.append(f"augmentations.{name}.impulse_response.folder: {error}")
    if is_file(params.taxonomy):
        try:
            problems += [
                f"{taxonomies / params.taxonomy}: {problem}"
                for problem in unknown_corpora(read_taxonomy_file(taxonomies, params.taxonomy))
            ]
        except UserError as error:
            problems.append(str(error))
    _refuse(problems)


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ParamsError("\n  ".join(["params.yaml cannot be used as it is:", *problems]))
