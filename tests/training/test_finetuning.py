"""What of a backbone is trained, and how: each way does what it says, and what is kept is a plain model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from model_fixtures import RECIPE, STILL, TRAINING, Parts, timbre_data, tiny_card, tiny_model, tiny_run
from models.test_families import AST, BEATS, FAMILIES, timm

from instrumentarium.config.bases import with_bases
from instrumentarium.config.whole import load_params
from instrumentarium.models.backbones.base import CheckpointingError
from instrumentarium.models.modelfile import save_model
from instrumentarium.models.params import Wav2Vec2Params
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.section import ParamsError, read_yaml
from instrumentarium.scoring.recognizer import Recognizer
from instrumentarium.training.finetuning import (
    FineTuningError,
    add_adapters,
    freeze_before,
    keep_still,
    libraries_of,
    own_parameters,
    plain_weights,
    prepare_backbone,
)
from instrumentarium.training.fit import fit
from instrumentarium.training.params import lacks_layers_to_adapt
from instrumentarium.training.schedule import depth_factors

pytestmark = pytest.mark.filterwarnings("ignore")

TRANSFORMERS = ["ast", "beats", "wav2vec2"]
TRAIN, VALIDATION = timbre_data(18, seed=1), timbre_data(12, seed=2)
WAVES = 0.1 * torch.randn(3, 4000, generator=torch.Generator().manual_seed(1))


def gradients(model: RecognitionModel) -> dict[str, torch.Tensor]:
    model.zero_grad()
    torch.manual_seed(7)  # of dropout
    model(WAVES).square().sum().backward()
    return {name: weights.grad.clone() for name, weights in model.named_parameters() if weights.grad is not None}


@pytest.mark.parametrize("name", [*TRANSFORMERS, "convnext", "vit"])
def test_checkpointed_gradients_are_the_same_ones(name: str):
    model = FAMILIES[name].build().train()
    expected = gradients(model)
    prepare_backbone(model, TRAINING.model_copy(update={"gradient_checkpointing": True}))
    calls = []
    blocks = model.backbone.encoder.layers if name == "beats" else model.backbone.network
    last = [module for module in blocks.modules() if isinstance(module, torch.nn.Linear | torch.nn.Conv2d)][-2]
    last.register_forward_hook(lambda *_: calls.append(1))
    found = gradients(model)
    assert found.keys() == expected.keys()
    for key, gradient in found.items():
        torch.testing.assert_close(gradient, expected[key], atol=1e-6, rtol=1e-5)
    assert len(calls) == 2, "computed again for its gradients"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cnn", "Cnn has no part that could be computed again without changing the result"),
        ("resnet", "test_resnet has batch norms, which would count each batch twice"),
        ("wav2vec2 convolutions", "Wav2Vec2 has no part"),
    ],
)
def test_where_they_cannot_be_checkpointed_it_is_said(name: str, message: str):
    with pytest.raises(CheckpointingError, match=message) as info:
        prepare_backbone(FAMILIES[name].build(), TRAINING.model_copy(update={"gradient_checkpointing": True}))
    assert isinstance(info.value, UserError)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_adapters_begin_without_effect_and_alone_are_trained_with_the_head(name: str):
    model = FAMILIES[name].build().eval()
    before, own = model(WAVES), own_parameters(model)
    add_adapters(model.backbone, 2, 4.0, ("q_proj", "v_proj"))
    torch.testing.assert_close(model(WAVES), before, atol=1e-6, rtol=1e-6)
    assert own_parameters(model) == own
    trained = {name for name, weights in model.named_parameters() if weights.requires_grad}
    assert all(".lora_" in each or each.startswith("head.") for each in trained)
    assert any(".lora_A." in each for each in trained)
    assert any(each.startswith("head.") for each in trained)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_merged_adapters_are_a_plain_model_of_the_same_scores(name: str, tmp_path: Path):
    parts = FAMILIES[name]
    model = parts.build(pitch_shift_semitones=parts.card().windows.pitch_shift_semitones)
    plain = set(model.state_dict())
    add_adapters(model.backbone, 3, 5.0, ("q_proj", "v_proj"))
    for weights_name, weights in model.named_parameters():
        if ".lora_" in weights_name:
            torch.nn.init.normal_(weights, std=0.5)
    weights = plain_weights(model)
    assert set(weights) == plain
    save_model(tmp_path, weights, parts.card())
    windows = (WAVES.numpy() * 32768).astype(np.int16)
    scores = Recognizer.load(tmp_path, torch.device("cpu")).windows(windows)[:, : len(parts.taxonomy)]
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(windows) / 32768).sigmoid()
        untouched = (
            parts.build(pitch_shift_semitones=parts.card().windows.pitch_shift_semitones).eval()(WAVES).sigmoid()
        )
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert np.abs(scores - untouched.numpy()).max() > 1e-3


def test_the_weights_of_a_model_without_adapters_are_its_own():
    model = tiny_model()
    found = plain_weights(model)
    assert list(found) == list(model.state_dict())
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in found.items())


def test_a_training_by_adapters_resumes_and_keeps_the_backbone(tmp_path: Path):
    def run(epochs: int) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        model = Parts(backbone=AST).build()
        start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        torch.manual_seed(3)
        training = {"lora_rank": 2, "freeze_epochs": 1}
        prepare_backbone(model, TRAINING.model_copy(update=training))
        recipe = RECIPE.model_copy(update={"epochs": epochs, "windows_per_epoch": 16})
        history = fit(tiny_run(model, recipe, STILL, **training), TRAIN, VALIDATION, tmp_path / str(epochs))
        return start, history.best_weights

    start, found = run(3)
    assert set(found) == set(start)
    moved = {name for name in start if not torch.equal(start[name], found[name])}
    assert all(name.startswith("head.") or "q_proj.weight" in name or "v_proj.weight" in name for name in moved)
    assert any("q_proj.weight" in name for name in moved)
    again = run(3)[1]  # finished: what its snapshot holds
    assert all(torch.equal(found[name], again[name]) for name in found)


@pytest.mark.parametrize(("name", "block"), [("cnn", "blocks.0"), ("lstm", "recurrent.1"), ("resnet", "layer3")])
def test_blocks_before_the_named_one_stay_as_they_are(name: str, block: str, tmp_path: Path):
    model = FAMILIES[name].build()
    start = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    training = {"unfreeze_from": block, "freeze_epochs": 1}
    prepare_backbone(model, TRAINING.model_copy(update=training))
    recipe = RECIPE.model_copy(update={"epochs": 2, "windows_per_epoch": 16})
    fit(tiny_run(model, recipe, STILL, **training), TRAIN, VALIDATION, tmp_path)
    end = model.state_dict()
    blocks = model.backbone.blocks_in_order()
    first = [each.name for each in blocks].index(block)
    places = {id(weights): number for number, each in enumerate(blocks) for weights in each.weights}
    for key, weights in model.backbone.named_parameters():
        assert torch.equal(start[f"backbone.{key}"], end[f"backbone.{key}"]) == (places[id(weights)] < first), key
    still = [key for key in start if "running_mean" in key and torch.equal(start[key], end[key])]
    assert (name == "lstm") or still, "statistics of the norms of frozen blocks"


def test_what_is_not_trained_keeps_its_statistics():
    model = FAMILIES["cnn"].build().train()
    freeze_before(model.backbone, "blocks.0")
    keep_still(model.backbone)
    norms = [module for module in model.backbone.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert [norm.training for norm in norms] == [False, True, True]


@pytest.mark.parametrize("block", ["block 7", "blocks.9"])
def test_a_block_that_is_not_there_is_named_with_those_that_are(block: str):
    with pytest.raises(FineTuningError, match=r"no such block; its blocks are stem, blocks\.0"):
        freeze_before(tiny_model().backbone, block)


def test_adapters_for_layers_that_are_not_there_say_which_are():
    with pytest.raises(FineTuningError, match=r"names 'query'.*end in fc1, fc2, k_proj, o_proj, q_proj, v_proj"):
        add_adapters(FAMILIES["ast"].build().backbone, 2, 4.0, ("query",))


def test_adapters_and_frozen_blocks_exclude_each_other():
    training = TRAINING.model_copy(update={"lora_rank": 2, "unfreeze_from": "layers.0"})
    with pytest.raises(FineTuningError, match="set one of the two"):
        prepare_backbone(FAMILIES["ast"].build(), training)


def test_adapters_are_for_transformers_and_refused_before_any_work():
    wav2vec2 = FAMILIES["wav2vec2 convolutions"].backbone
    assert isinstance(wav2vec2, Wav2Vec2Params)
    training = TRAINING.model_copy(update={"lora_rank": 2})
    assert lacks_layers_to_adapt(BEATS, training) is None
    assert "adapters are for transformers" in str(lacks_layers_to_adapt(wav2vec2, training))
    assert lacks_layers_to_adapt(wav2vec2, TRAINING) is None


def test_params_with_adapters_for_the_default_model_are_refused(tmp_path: Path):
    from ruamel.yaml import YAML

    values = with_bases(read_yaml(Path(__file__).resolve().parents[2] / "params.yaml"))
    values["training"]["lora_rank"] = 4  # type: ignore[index]
    YAML(typ="safe").dump(values, tmp_path / "params.yaml")
    with pytest.raises(ParamsError, match=r"training\.lora_rank is 4, and adapters are for transformers"):
        load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize("name", ["lstm", "resnet", "efficientat", "beats"])
def test_learning_rates_fall_with_depth_in_every_backbone(name: str):
    model = FAMILIES[name].build()
    factors = depth_factors(model, 0.5)
    names = [each.name for each in model.backbone.blocks_in_order()]
    found = {factor for key, factor in factors.items() if key.startswith("backbone.")}
    assert found == {0.5**depth for depth in range(1, len(names) + 1)}
    assert {factor for key, factor in factors.items() if key.startswith("head.")} == {1.0}


def test_only_the_packages_that_are_used_count():
    used = {name for name, used in libraries_of(AST, adapters=False).items() if used}
    assert used == {"transformers"}
    assert {name for name, used in libraries_of(BEATS, adapters=True).items() if used} == {"openbeats", "peft"}
    assert not any(libraries_of(tiny_card().backbone, adapters=False).values())
    assert not any(libraries_of(replace(timm("test_resnet")).backbone, adapters=False).values())
