"""What a training runs on: which devices there are, and which process of how many this one is.

Several processes share a training where `training.trainer` asks for several devices. On one machine this process starts
the others, each with its own command line; `torchrun` or SLURM's `srun` start all of them, on one machine or several.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from pytorch_lightning.strategies import DDPStrategy, Strategy

from instrumentarium.runtime.errors import UserError
from instrumentarium.training.params import TrainerParams

Starter = Literal["torchrun", "srun", "this"]
"""Who starts the processes of a training; `this` where it does so itself."""


class DevicesError(UserError, ValueError):
    """The devices that are asked for are not there, or do not fit how the training was started."""


@dataclass(frozen=True)
class Devices:
    """The devices of a training.

    Attributes:
        accelerator: of what kind they are.
        count: on each machine.
        num_nodes: machines.
        starter: of the processes.
        rank: which of the processes this one is, from 0.
    """

    accelerator: Literal["cpu", "gpu"]
    count: int
    num_nodes: int
    starter: Starter
    rank: int

    @property
    def processes(self) -> int:
        """How many there are on all machines."""
        return self.count * self.num_nodes

    @property
    def name(self) -> str:
        """The GPU's name, or cpu."""
        return torch.cuda.get_device_name() if self.accelerator == "gpu" else "cpu"


def find_devices(trainer: TrainerParams, environment: Mapping[str, str] = os.environ) -> Devices:
    """Return the devices that `trainer` asks for.

    Raises:
        DevicesError: if this machine has not got them, or another number of processes was started.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if trainer.accelerator == "gpu" and not gpus:
        raise DevicesError("training.trainer.accelerator is gpu, and torch finds no GPU here; set it to auto or cpu")
    accelerator: Literal["cpu", "gpu"] = "gpu" if gpus and trainer.accelerator != "cpu" else "cpu"
    there = gpus if accelerator == "gpu" else 1
    count = there if trainer.devices == "auto" else trainer.devices
    if accelerator == "gpu" and count > gpus:
        raise DevicesError(
            f"training.trainer.devices is {count}, and torch finds {gpus} {'GPU' if gpus == 1 else 'GPUs'} here; "
            f"set it to {gpus} or less, or to auto"
        )
    if accelerator == "cpu" and count > 1 and trainer.accelerator == "auto":
        raise DevicesError(
            f"training.trainer.devices is {count}, and torch finds no GPU here; set it to 1, or "
            f"training.trainer.accelerator to cpu for {count} processes that share the processor"
        )
    starter, started, rank = _started(environment)
    wanted = count * trainer.num_nodes
    if starter != "this" and started != wanted:
        raise DevicesError(
            f"{starter} started {started} processes, and training.trainer asks for devices {count} × num_nodes "
            f"{trainer.num_nodes} = {wanted}; let the two agree"
        )
    if starter == "this" and trainer.num_nodes > 1:
        raise DevicesError(
            f"training.trainer.num_nodes is {trainer.num_nodes}, and nobody started a process on the other machines; start "
            "stages/train.py by torchrun or srun, or set it to 1 (docs/devices.md)"
        )
    return Devices(accelerator, count, trainer.num_nodes, starter, rank)


def _started(environment: Mapping[str, str]) -> tuple[Starter, int, int]:
    """Return who started how many processes, and which one this is.

    A job of several tasks is not enough: its script itself, and a training in it, may well be one process.
    """
    if "TORCHELASTIC_RUN_ID" in environment:
        return "torchrun", int(environment["WORLD_SIZE"]), int(environment["RANK"])
    if (tasks := int(environment.get("SLURM_STEP_NUM_TASKS", "1"))) > 1:
        return "srun", tasks, int(environment["SLURM_PROCID"])
    return "this", 1, int(environment.get("LOCAL_RANK", "0"))


def build_strategy(trainer: TrainerParams, devices: Devices) -> Strategy | Literal["auto"]:
    """Return Lightning's strategy.

    By default it looks for weights without a gradient after every step. That costs little, also lets
    parts stay as they are for some epochs, and keeps the order in which gradients are summed what it was at the start of a
    run; without it, that order changes after the first step, and a resumed run of three or more processes ends with other
    last bits.
    """
    if trainer.strategy == "auto" and devices.processes == 1:
        return "auto"
    # Buffers are the same everywhere: statistics of norms are those of the whole batch. Processes validate different
    # numbers of batches, so nothing may be exchanged there.
    return DDPStrategy(find_unused_parameters=trainer.strategy != "ddp", broadcast_buffers=False)


def build_environment(devices: Devices) -> ClusterEnvironment:
    """Return what tells Lightning of the other processes."""
    match devices.starter:
        case "torchrun":
            return TorchElasticEnvironment()
        case "srun":
            return SLURMEnvironment(auto_requeue=False)  # a job that is queued again resumes by our own snapshot
        case "this":
            return LightningEnvironment()
