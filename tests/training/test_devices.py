"""Which devices a training has, which parts of a batch each computes, and layers that see the whole of it."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
import timm
import torch
from model_fixtures import RATE_HZ, RECIPE, TRAINER, Parts, tiny_model, tiny_run
from ruamel.yaml import YAML
from timm.layers import BatchNormAct2d
from torch import nn
from training.test_fit import quick_fit

from instrumentarium.config.whole import load_params
from instrumentarium.frontends.build import build_frontend
from instrumentarium.models.params import TimmParams
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.section import ParamsError, read_yaml, validate
from instrumentarium.training.augment.base import draw_of
from instrumentarium.training.augment.build import build_augmentations
from instrumentarium.training.devices import DevicesError, find_devices
from instrumentarium.training.fit import TrainingError
from instrumentarium.training.params import TrainerParams, undivided_batch
from instrumentarium.training.ranks import own_batches, own_rows
from instrumentarium.training.resume import ResumeError, resume_folder
from instrumentarium.training.wholebatch import (
    NormError,
    ProcessorBatchNorm,
    ProcessorBatchNormAct,
    RowsDropout,
    share_batches,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's advice on workers, loggers and the like

ROOT = Path(__file__).resolve().parents[2]
RESNET = TimmParams(kind="timm", architecture="test_resnet")
TORCHRUN = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1"}
SRUN = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2", "SLURM_LOCALID": "0", "SLURM_NTASKS": "4"}


def asked(**changes: object) -> TrainerParams:
    return validate({**TRAINER.model_dump(), **changes}, TrainerParams, "training.trainer")


@pytest.fixture
def gpus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let torch find so many GPUs."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: request.param)
    return int(request.param)


@pytest.mark.parametrize(
    ("gpus", "changes", "environment", "accelerator", "processes", "rank"),
    [
        (0, {}, {}, "cpu", 1, 0),
        (2, {}, {}, "gpu", 1, 0),
        (0, {"devices": "auto"}, {}, "cpu", 1, 0),
        (4, {"devices": "auto"}, {}, "gpu", 4, 0),
        (4, {"devices": 2}, {"LOCAL_RANK": "1"}, "gpu", 2, 1),
        (4, {"accelerator": "cpu"}, {}, "cpu", 1, 0),
        (0, {"accelerator": "cpu", "devices": 3}, {}, "cpu", 3, 0),
        (2, {"devices": 2, "num_nodes": 2}, TORCHRUN, "gpu", 4, 3),
        (2, {"devices": "auto", "num_nodes": 2}, SRUN, "gpu", 4, 2),
        (1, {}, {"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}, "gpu", 1, 0),  # the script of a job, not a step of it
    ],
    indirect=["gpus"],
)
def test_devices_are_those_that_are_asked_for(
    gpus: int,
    changes: Mapping[str, object],
    environment: Mapping[str, str],
    accelerator: str,
    processes: int,
    rank: int,
):
    found = find_devices(asked(**changes), environment)
    assert (found.accelerator, found.processes, found.rank) == (accelerator, processes, rank)


@pytest.mark.parametrize(
    ("gpus", "changes", "environment", "words"),
    [
        (0, {"accelerator": "gpu"}, {}, "accelerator is gpu, and torch finds no GPU here; set it to auto or cpu"),
        (
            0,
            {"devices": 3},
            {},
            "devices is 3, and torch finds no GPU here; set it to 1, or .*accelerator to cpu for 3",
        ),
        (1, {"devices": 3}, {}, "devices is 3, and torch finds 1 GPU here; set it to 1 or less, or to auto"),
        (2, {"devices": 3}, {}, "devices is 3, and torch finds 2 GPUs here"),
        (2, {"devices": 2}, TORCHRUN, r"torchrun started 4 processes, and .* asks for devices 2 × num_nodes 1 = 2"),
        (2, {}, SRUN, r"srun started 4 processes, and .* asks for devices 1 × num_nodes 1 = 1"),
        (2, {"devices": 2, "num_nodes": 2}, {}, "num_nodes is 2, and nobody started a process on the other machines"),
    ],
    indirect=["gpus"],
)
def test_devices_that_are_not_there_are_refused(
    gpus: int, changes: Mapping[str, object], environment: Mapping[str, str], words: str
):
    with pytest.raises(DevicesError, match=words) as info:
        find_devices(asked(**changes), environment)
    assert isinstance(info.value, UserError)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"devices": 0}, "training.trainer.devices"),
        ({"devices": "all"}, "training.trainer.devices"),
        ({"strategy": "fsdp"}, "training.trainer.strategy: Input should be 'auto', 'ddp' or"),
        ({"samples": "everywhere"}, "training.trainer.samples: Input should be 'streamed' or 'resident'"),
        ({"nodes": 1}, "'nodes' is not a parameter here"),
        ({"devices": 5}, "devices 5 × num_nodes 1, among which the recipe's batch of 24 windows cannot be divided"),
        ({"devices": 2, "num_nodes": 7}, "devices 2 × num_nodes 7, among which"),
    ],
)
def test_wrong_values_are_refused_with_the_parameters(changes: Mapping[str, object], words: str, tmp_path: Path):
    values = read_yaml(ROOT / "params.yaml")
    values["training"]["trainer"].update(changes)  # type: ignore[index]
    with (tmp_path / "params.yaml").open("w") as file:
        YAML(typ="safe").dump(values, file)
    with pytest.raises(ParamsError, match=words):
        load_params(tmp_path / "params.yaml")


def test_a_batch_that_cannot_be_divided_is_refused_at_the_start(tmp_path: Path):
    trainer = asked(accelerator="cpu", devices=3)
    with pytest.raises(TrainingError, match="the recipe's batch of 8 windows cannot be divided evenly"):
        quick_fit(tmp_path, tiny_run(trainer=trainer))
    small = RECIPE.model_copy(update={"windows_per_epoch": 6})
    assert undivided_batch(small, 3, 1) is None


def test_the_committed_parameters_train_in_one_process_as_ever():
    trainer = load_params(ROOT / "params.yaml").training.trainer
    assert trainer == TRAINER
    assert (own_rows(7), own_batches(3)) == (slice(0, 7), [0, 1, 2])


AUGMENTATIONS = load_params(ROOT / "params.yaml").augmentations


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_rows_of_a_batch_are_augmented_alone_as_with_the_others(name: str):
    frontend = build_frontend(Parts().frontend, RATE_HZ)
    generator = torch.Generator().manual_seed(5)
    shapes = {"power": (8, 16, 20), "features": (8, 1, 16, 20)}
    for augmentation in build_augmentations(AUGMENTATIONS[name], frontend, RATE_HZ):
        if not augmentation.by_row:
            continue
        x = torch.rand(shapes[augmentation.domain], generator=generator)
        draw = augmentation.draw(x.shape, generator)
        assert is_dataclass(draw)
        assert all(len(getattr(draw, field.name)) == 8 for field in fields(draw))
        parts = [augmentation.apply(x[rows], draw_of(draw, rows)) for rows in (slice(0, 3), slice(3, 8))]
        torch.testing.assert_close(torch.cat(parts), augmentation.apply(x, draw))


def mixtures() -> torch.Tensor:
    return 3 * torch.randn(8, 5, 4, 6, generator=torch.Generator().manual_seed(1)) + 1


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, BatchNormAct2d])
@pytest.mark.parametrize("momentum", [0.1, None])
def test_a_shared_norm_is_torchs_where_nobody_shares(norm: type[nn.Module], momentum: float | None):
    torch.manual_seed(0)
    plain, shared = (nn.Sequential(norm(5, momentum=momentum)) for _ in range(2))
    share_batches(shared, gpu=False)
    assert type(shared[0]) is (ProcessorBatchNorm if norm is nn.BatchNorm2d else ProcessorBatchNormAct)
    for number in range(3):
        inputs = [(mixtures() * (number + 1)).requires_grad_() for _ in range(2)]
        outputs = [model(x) for model, x in zip((plain, shared), inputs, strict=True)]
        for output in outputs:
            output.square().sum().backward()
        torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(inputs[0].grad, inputs[1].grad, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(shared.state_dict(), plain.state_dict())
    for model in (plain, shared):
        model.eval()
    torch.testing.assert_close(plain(mixtures()), shared(mixtures()), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18"])
def test_a_network_that_shares_batches_keeps_names_and_outputs(name: str, gpu: bool):
    torch.manual_seed(0)
    network = nn.Sequential(timm.create_model(name, num_classes=3, in_chans=1, drop_rate=0.1)).eval()
    x = torch.randn(2, 1, 64, 64)
    before, names = network(x), list(network.state_dict())
    share_batches(network, gpu=gpu)
    assert list(network.state_dict()) == names
    assert torch.equal(network(x), before)
    kinds = {type(module) for module in network.modules()}
    assert not kinds & {nn.BatchNorm2d, BatchNormAct2d, nn.Dropout}
    assert any(issubclass(kind, nn.SyncBatchNorm) for kind in kinds) == gpu


def test_a_norm_that_nobody_knows_how_to_share_is_refused():
    class OwnNorm(nn.BatchNorm2d):
        pass

    with pytest.raises(NormError, match=r"norms of the kind OwnNorm.*devices and num_nodes to 1"):
        share_batches(nn.Sequential(OwnNorm(3)), gpu=False)


def test_rows_are_dropped_as_the_whole_batch_would_be():
    plain, shared = nn.Sequential(nn.Dropout(0.4)), nn.Sequential(nn.Dropout(0.4))
    share_batches(shared, gpu=False)
    assert type(shared[0]) is RowsDropout
    found = []
    for model in (plain, shared):
        torch.manual_seed(3)
        found.append(model(mixtures()))
    assert torch.equal(*found)


def test_a_run_of_several_processes_is_left_to_the_training_that_is_at_it(cache: Path):
    with resume_folder("run", processes=2) as first:
        with (
            pytest.raises(ResumeError, match="another training is at this very run"),
            resume_folder("run", processes=2),
        ):
            pass
        with resume_folder("run", processes=2, rank=1) as other:
            assert other == first
    with resume_folder("run", processes=2, rank=1):
        pass
    assert not (cache / "resume" / "run" / "last.ckpt").exists()


def test_a_network_is_the_same_with_channels_in_another_place():
    x = torch.randn(3, 4000, generator=torch.Generator().manual_seed(2))
    for network in (Parts().backbone, Parts(backbone=RESNET).backbone):
        model = tiny_model(network=network).eval()
        weights = [each for each in model.backbone.parameters() if each.ndim == 4 and each.shape[1] > 1]
        assert weights
        assert all(each.is_contiguous(memory_format=torch.channels_last) for each in weights)
        found = model(x)
        model.backbone.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        torch.testing.assert_close(model(x), found, rtol=1e-4, atol=1e-4)
