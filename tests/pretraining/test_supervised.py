"""Supervised pre-training: a model of other labels, here families, gives its backbone to one of instruments."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from model_fixtures import HEAD, LOSS, NETWORK, RATE_HZ, RECIPE, RELATIVE, STRONG, TRAINING, WINDOWS
from safetensors.torch import load_file

from instrumentarium.config.selection import Selection, write_selection
from instrumentarium.models.modelfile import load_model
from instrumentarium.models.params import PathWeights
from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.runtime.section import DeclaredParams
from instrumentarium.tables.schemas import SPLIT, resolved_labels_table
from instrumentarium.tables.taxonomy import Instrument, Taxonomy, write_taxonomy
from instrumentarium.training import run as training
from instrumentarium.training.params import RecipeParams
from instrumentarium.training.run import Inputs
from taxonomies import IRMAS11

FAMILIES = Taxonomy("families", (Instrument("str", "strings", "strings"), Instrument("woo", "woodwind", "woodwind")))


def inputs(collection: Path, folder: Path, taxonomy: Taxonomy, recipe: RecipeParams) -> Inputs:
    """Write the labels of a taxonomy whose first two instruments play in turns, and what is selected."""
    clip_ids = SPLIT.read(collection / "split.csv")["clip_id"]
    rows = [
        (clip_id, code, float(place == (int(clip_id[-2:]) // 2) % 3))
        for clip_id in clip_ids
        for place, code in enumerate(taxonomy.codes)
    ]
    folder.mkdir()
    frame = pd.DataFrame(rows, columns=["clip_id", "instrument", "relevance"])
    resolved_labels_table(taxonomy).write(folder / "labels.csv", frame)
    write_taxonomy(folder / "taxonomy.json", taxonomy)
    write_selection(Selection(RELATIVE, NETWORK, HEAD, LOSS, STRONG, WINDOWS, recipe), folder / "selected")
    return Inputs(
        [collection / "irmas"],
        folder / "labels.csv",
        folder / "taxonomy.json",
        collection / "split.csv",
        collection / "stats.json",
        folder / "selected",
        folder / "keys_tempos.csv",
    )


@pytest.mark.filterwarnings("ignore")  # Lightning's advice on workers, loggers and the like
def test_a_model_of_families_gives_its_backbone_to_one_of_instruments(
    collection: Path, tmp_path: Path, cache: Path
) -> None:
    values = {
        "seed": 3,
        "collection": "miniature",
        "model": "cnn",
        "audio": {"sample_rate_hz": RATE_HZ},
        "labels": {"irmas_train_absent": "negative"},
        "training": TRAINING.model_dump(),
    }
    params = DeclaredParams(values, "train")
    first = inputs(collection, tmp_path / "families", FAMILIES, RECIPE)
    out = tmp_path / "families" / "model"
    training.train(params, first, out, out / "train.json", out / "plots", out / "live")
    weights = out / "model.safetensors"
    source = PathWeights(source="path", at=str(out), md5=md5_of_file(weights))
    recipe = RECIPE.model_copy(update={"pretrained": source})
    second = inputs(collection, tmp_path / "instruments", IRMAS11, recipe)

    started = training.prepare(params, second).run.model
    learnt = {name: tensor for name, tensor in load_file(weights).items() if name.startswith("backbone.")}
    assert learnt
    state = started.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in learnt.items())

    out = tmp_path / "instruments" / "model"
    training.train(params, second, out, out / "train.json", out / "plots", out / "live")
    _, card = load_model(out)
    assert card.taxonomy.codes == IRMAS11.codes
    assert card.recipe["pretrained"] == source.model_dump()
