"""Every entry of params.yaml × its default front end, in a small form: trained, saved, loaded, run, exported."""

from pathlib import Path

import numpy as np
import pytest
import torch
from estimates import estimates
from model_fixtures import LABELS, RECIPE, STILL, TRAINING, clip_samples, label_rows, noise_clips

from instrumentarium.config.whole import load_params
from instrumentarium.frontends.build import build_frontend
from instrumentarium.frontends.normalisation import NO_NORMALISATION, Normalisation
from instrumentarium.frontends.params import AnyFrontEndParams, FixedNormalisation
from instrumentarium.models.modelfile import ModelCard, TrainedOn, save_model
from instrumentarium.models.params import BackboneParams, EfficientAtParams, TimmParams, TransformerParams
from instrumentarium.models.recognition import build_model
from instrumentarium.predicting.exporting import export_model
from instrumentarium.predicting.onnxfile import OnnxRecognizer
from instrumentarium.scoring.recognizer import Recognizer
from instrumentarium.training.augment.build import build_augmentations
from instrumentarium.training.fit import fit
from instrumentarium.training.objectives.build import build_objective
from instrumentarium.training.split_data import SplitData
from instrumentarium.training.task import TrainingRun
from taxonomies import IRMAS11

pytestmark = pytest.mark.filterwarnings("ignore")

ROOT = Path(__file__).resolve().parents[2]
PARAMS = load_params(ROOT / "params.yaml")
RATE_HZ = PARAMS.audio.sample_rate_hz
LIKE = {
    "resnext50_32x4d": "test_resnet",
    "resnet18": "test_resnet",
    "tf_efficientnetv2_s": "test_efficientnet",
    "tf_efficientnet_lite0": "test_efficientnet",
    "convnext_tiny": "test_convnext",
    "mobilenetv3_small_100": "mobilenetv3_small_050",
}
"""For each network of timm, one of the same family that takes seconds."""
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def small(backbone: BackboneParams) -> BackboneParams:
    """Return the same kind of backbone at a size that trains in a second."""
    if isinstance(backbone, TimmParams):
        return backbone.model_copy(update={"architecture": LIKE[backbone.architecture]})
    if isinstance(backbone, EfficientAtParams):
        return backbone.model_copy(update={"width": 0.1})
    if isinstance(backbone, TransformerParams):
        convolutions = {"conv_dim": (16,) * 7} if backbone.kind == "wav2vec2" else {}
        return backbone.model_copy(update=SMALL | convolutions)
    return backbone


def normalisation_of(frontend: AnyFrontEndParams) -> Normalisation:
    """Return the front end's constants, or such as statistics of noise would have."""
    choice = frontend.normalisation
    if isinstance(choice, FixedNormalisation):
        return Normalisation(kind="fixed", mean=((choice.mean,),), std=((choice.std,),), frames=0)
    if choice == "none":
        return NO_NORMALISATION
    rows = build_frontend(frontend, RATE_HZ).rows
    return Normalisation(kind="per_band", mean=((-20.0,) * rows,), std=((15.0,) * rows,), frames=1)


def data(count: int, samples: int, seed: int) -> SplitData:
    """Return clips of noise, each with one of two instruments or none."""
    clips = clip_samples(noise_clips([samples] * count, seed))
    return SplitData(clips, label_rows([("cel", "cla", None)[number % 3] for number in range(count)], clips.clip_ids))


@pytest.mark.parametrize("name", PARAMS.models)
def test_an_entry_trains_is_saved_loaded_run_and_exported(name: str, tmp_path: Path):
    entry = PARAMS.models[name]
    recipe = entry.recipes["miniature"]
    windows, frontend = PARAMS.windows[recipe.windows], PARAMS.frontends[entry.frontend["miniature"]]
    head, backbone, normalisation = PARAMS.heads[entry.head], small(entry.backbone), normalisation_of(frontend)
    samples = round(windows.length_s * RATE_HZ)
    torch.manual_seed(0)
    model = build_model(
        frontend,
        backbone,
        head,
        instruments=len(IRMAS11),
        sample_rate_hz=RATE_HZ,
        window_samples=samples,
        normalisation=normalisation,
    )
    run = TrainingRun(
        model=model,
        objective=build_objective(PARAMS.losses[entry.loss], LABELS, model.head.embedding_size),
        augmentations=build_augmentations(
            PARAMS.augmentations[recipe.augmentation] if name in {"cnn", "waveform"} else STILL, model.frontend, RATE_HZ
        ),
        recipe=RECIPE.model_copy(update={"epochs": 1, "windows_per_epoch": 12, "batch_size": 4}),
        training=TRAINING,
        windows=windows,
        sample_rate_hz=RATE_HZ,
        seed=1,
    )
    before = {name: weights.detach().clone() for name, weights in model.named_parameters()}
    with estimates() as seen:
        history = fit(run, data(6, samples + 1000, 1), data(3, samples, 2), tmp_path / "run")
    assert not seen
    moved = [name for name, weights in before.items() if not torch.equal(weights, history.best_weights[name])]
    assert len(moved) > 0.9 * len(before)
    card = ModelCard(
        format=2,
        taxonomy_name=IRMAS11.name,
        labels=IRMAS11.instruments,
        sample_rate_hz=RATE_HZ,
        frontend=frontend,
        normalisation=normalisation,
        backbone=backbone,
        head=head,
        windows=windows,
        recipe={},
        trained=TrainedOn(collection="miniature", model=name, seed=1, epochs=1, best_epoch=1, validation_map_macro=0.5),
        versions={},
    )
    save_model(tmp_path / "model", history.best_weights, card)
    recognizer = Recognizer.load(tmp_path / "model", torch.device("cpu"))
    found = np.stack(noise_clips([samples] * 2, 3))
    scores = recognizer.windows(found)[:, : len(IRMAS11)]
    assert ((scores > 0) & (scores < 1)).all()
    assert not np.array_equal(scores[0], scores[1])
    export_model(tmp_path / "model", tmp_path / "model.onnx", None)
    exported = OnnxRecognizer.load(tmp_path / "model", tmp_path / "model.onnx").windows(found)
    np.testing.assert_allclose(exported, scores, atol=1e-4)


def test_the_table_of_the_page_lists_every_entry_with_its_front_ends():
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    table = page.partition("## Weights to start from")[0]
    rows = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    for name, entry in PARAMS.models.items():
        assert name in rows, f"docs/models.md has no row of {name}"
        for frontend in set(entry.frontend.values()):
            assert frontend in rows[name]
    for name in PARAMS.frontends:
        assert f"`{name}`" in page
