"""A model as a folder for a model hub: all of it, or nothing."""

import shutil
from pathlib import Path

from instrumentarium.evaluation.thresholds import Thresholds
from instrumentarium.models.modelfile import load_model
from instrumentarium.predicting.modelsource import read_thresholds, thresholds_of
from instrumentarium.publishing.material import read_material
from instrumentarium.publishing.modelreadme import model_readme
from instrumentarium.publishing.results import read_results
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import staged
from instrumentarium.runtime.sealed import read_seal

FILES = ("model.json", "model.safetensors", "thresholds.json", "README.md")
"""What a published folder holds; the first is the seal."""


class DestinationError(UserError, ValueError):
    """A folder that must not be written into."""


def publish_model(folder: Path, model: Path, workspace: Path, licence: str) -> None:
    """Write the model of the folder `model` into `folder`, beside what else lies there.

    Args:
        folder: where to; made when missing. FILES are replaced together.
        model: a model's folder, whose thresholds lie in it or beside it.
        workspace: the repository whose run trained it: its params.yaml, its evaluation and its corpora's cards are read.
        licence: of the weights, by the hub's short name.

    Raises:
        DestinationError: if `folder` is the model's own.
        MissingModelError, ModelFileError, MissingThresholdsError, ThresholdsError: of the model.
        ResultsError, MaterialError: of the run.
    """
    if folder.resolve() == model.resolve() or (folder.exists() and not folder.is_dir()):
        raise DestinationError(
            f"{folder} is {'no folder' if not folder.is_dir() else 'the model itself'}; name another"
        )
    description = load_model(model)[1]
    limits = thresholds_of(model)
    read_thresholds(
        limits, description.taxonomy.codes, read_seal(model / "model.json")
    )  # whether they are this model's
    results = read_results(workspace / "data" / "evaluation.json", Thresholds.read(limits, description.taxonomy.codes))
    material = read_material(workspace, description.trained.collection)
    text = model_readme(description, results, material, licence)
    with staged(folder, FILES) as staging:
        for name in FILES[:2]:
            shutil.copyfile(model / name, staging / name)
        shutil.copyfile(limits, staging / FILES[2])
        (staging / FILES[3]).write_text(text, encoding="utf-8")
