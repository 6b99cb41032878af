"""A pre-training repeats, goes on after an interruption, sees training recordings alone, and a model can start from it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from model_fixtures import NETWORK, RELATIVE, WAVEFORM, WAVEFORM_NETWORK
from pretraining.conftest import PRETRAINING, Pretrain, write_collection
from safetensors.torch import load

from instrumentarium.frontends.normalisation import NO_NORMALISATION
from instrumentarium.models.backbones.build import build_backbone
from instrumentarium.models.params import PathWeights
from instrumentarium.models.pretrained import PretrainedWeightsError
from instrumentarium.pretraining import loop
from instrumentarium.pretraining import run as experiment
from instrumentarium.pretraining.params import PretrainingParams
from instrumentarium.pretraining.patches import PatchError
from instrumentarium.pretraining.run import StaleStatisticsError
from instrumentarium.runtime.section import ParamsError, validate
from instrumentarium.training.recorder import DivergedError

METHODS = ("masked", *(pytest.param(name, marks=pytest.mark.networks) for name in ("patch_shuffle", "contrastive")))
SHAPE = (1, 16, 32)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_bytes_and_another_one_others(method: str, pretrain: Pretrain) -> None:
    first = pretrain(method=method)
    assert set(first) == {"model.safetensors", "pretraining.json", "curves.json", "curves.png"}
    assert pretrain(method=method) == first
    assert pretrain(method=method, seed=4)["model.safetensors"] != first["model.safetensors"]


@pytest.fixture(scope="module")
def uninterrupted() -> dict[str, dict[str, bytes]]:
    """What a run that nothing disturbs writes, by its method, once one test has made it."""
    return {}


class Killed(BaseException):
    """Stands for a kill at this very place."""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("moment", ["second epoch", "validation", "outputs"])
def test_an_interrupted_run_ends_with_the_bytes_of_an_uninterrupted_one(
    method: str,
    moment: str,
    pretrain: Pretrain,
    monkeypatch: pytest.MonkeyPatch,
    cache: Path,
    uninterrupted: dict[str, dict[str, bytes]],
) -> None:
    owner, name, call = {
        "second epoch": (loop, "seed_dropout", 5),
        "validation": (loop, "_validate", 3),
        "outputs": (experiment, "save_pretrained", 1),
    }[moment]
    with monkeypatch.context() as patch:
        original, calls = getattr(owner, name), iter(range(1, 99))

        def killed(*args: Any) -> Any:
            if next(calls) == call:
                raise Killed
            return original(*args)

        patch.setattr(owner, name, killed)
        with pytest.raises(Killed):
            pretrain(method=method)
    assert list((cache / "resume").glob("*/last.ckpt"))
    resumed = pretrain(method=method)
    assert not list((cache / "resume").glob("*/last.ckpt"))
    if method not in uninterrupted:
        uninterrupted[method] = pretrain(method=method)
    assert resumed == uninterrupted[method]


@pytest.mark.parametrize("method", METHODS)
def test_weights_are_learnt_from_training_recordings_alone(method: str, pretrain: Pretrain, tmp_path: Path) -> None:
    found = pretrain(method=method)
    untested = pretrain(write_collection(tmp_path / "test", changed="test"), method=method)
    assert untested == found
    validated = pretrain(write_collection(tmp_path / "validation", changed="validation"), method=method)
    assert validated["model.safetensors"] == found["model.safetensors"]
    assert validated["curves.json"] != found["curves.json"]
    trained = pretrain(write_collection(tmp_path / "train", changed="train"), method=method)
    assert trained["model.safetensors"] != found["model.safetensors"]


@pytest.mark.parametrize(("method", "chance"), [("masked", 1 / 13), ("patch_shuffle", 0.5), ("contrastive", 1 / 7)])
def test_the_pretext_task_is_learnt(method: str, chance: float, pretrain: Pretrain) -> None:
    found = pretrain(method=method, epochs=12, windows_per_epoch=96)
    rows = json.loads(found["curves.json"])
    assert [row["epoch"] for row in rows] == list(range(1, 13))
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]
    assert rows[-1]["validation_accuracy"] > chance + 0.05
    card = json.loads(found["pretraining.json"])
    assert card["metrics"]["validation_accuracy"] == pytest.approx(rows[-1]["validation_accuracy"], abs=1e-6)
    assert found["curves.png"].startswith(b"\x89PNG")


def test_a_model_starts_from_the_folder(pretrain: Pretrain, tmp_path: Path) -> None:
    found = pretrain()
    card = json.loads(found["pretraining.json"])
    assert (card["method"], card["clips"], card["recordings"]) == ("masked", 24, 12)
    source = PathWeights(source="path", at=str(tmp_path / "run0"), md5=card["weights_md5"])
    backbone = build_backbone(NETWORK, SHAPE, pretrained=source)
    learnt = load(found["model.safetensors"])
    assert {f"backbone.{name}" for name in backbone.state_dict()} == set(learnt)
    assert all(torch.equal(tensor, learnt[f"backbone.{name}"]) for name, tensor in backbone.state_dict().items())
    with pytest.raises(PretrainedWeightsError, match="was trained with another backbone"):
        build_backbone(NETWORK.model_copy(update={"channels": (4, 9)}), SHAPE, pretrained=source)
    with pytest.raises(PretrainedWeightsError, match="these are other weights"):
        build_backbone(NETWORK, SHAPE, pretrained=source.model_copy(update={"md5": "0" * 32}))


@pytest.mark.parametrize("method", ["masked", "patch_shuffle"])
def test_waveforms_have_no_patches(method: str, pretrain: Pretrain) -> None:
    with pytest.raises(ParamsError, match=rf"pretraining.method {method} cuts spectrograms .* set it to contrastive"):
        pretrain(frontend=WAVEFORM, backbone=WAVEFORM_NETWORK, method=method)


def test_recordings_are_told_apart_by_their_waveforms_too(
    pretrain: Pretrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_collection(tmp_path / "raw")
    (folder / "stats.json").write_text(NO_NORMALISATION.model_dump_json())
    monkeypatch.setattr(experiment, "_augmentation", lambda *args: experiment.AugmentParams())
    found = pretrain(folder, frontend=WAVEFORM, backbone=WAVEFORM_NETWORK, method="contrastive")
    assert json.loads(found["pretraining.json"])["frontend"]["kind"] == "waveform"


def test_patches_that_do_not_fit_are_refused_before_any_step(pretrain: Pretrain) -> None:
    with pytest.raises(PatchError, match="patch_bands 16 and patch_frames 20 leave 1 patches"):
        pretrain(patch_bands=16, patch_frames=20)


def test_statistics_of_another_front_end_are_refused(pretrain: Pretrain) -> None:
    with pytest.raises(StaleStatisticsError, match=re.escape("has statistics of [16] bands") + ".*dvc repro stats"):
        pretrain(frontend=RELATIVE.model_copy(update={"n_mels": 20}))


def test_a_run_that_diverges_says_what_to_do(pretrain: Pretrain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_means", lambda part, outputs: {f"{part}_loss": float("nan"), f"{part}_accuracy": 0.0})
    with pytest.raises(DivergedError, match=r"lower pretraining\.learning_rate"):
        pretrain()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("method", "jigsaw", "'masked', 'patch_shuffle' or 'contrastive'"),
        ("share", 1.0, "less than 1"),
        ("share", 0.0, "greater than 0"),
        ("temperature", 0.0, "greater than 0"),
        ("batch_size", 1, "greater than or equal to 2"),
        ("patch_bands", 0, "greater than or equal to 1"),
    ],
)
def test_values_out_of_range_are_refused_by_name(key: str, value: object, message: str) -> None:
    with pytest.raises(ParamsError, match=rf"pretraining\.{key}: .*{message}"):
        validate({**PRETRAINING.model_dump(), key: value}, PretrainingParams, "pretraining")


def test_masks_that_teach_nothing_are_refused() -> None:
    values = {**PRETRAINING.model_dump(), "discriminative_weight": 0.0, "generative_weight": 0.0}
    with pytest.raises(ParamsError, match="masked patches would teach nothing"):
        validate(values, PretrainingParams, "pretraining")
