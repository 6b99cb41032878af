"""The processes that share a training, one a device, and what they tell each other; one alone is number 0 of 1.

A batch is the same however many share it: each process draws all of it and computes a part of its rows. What the model
makes of the rows is then gathered, so that every process has the loss of the whole batch: also one in which rows are
compared with each other, or in which some rows know fewer instruments than others.
"""

from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from instrumentarium.models.heads.base import HeadOutput


def processes() -> int:
    """Return how many processes share this training."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process, from 0."""
    return dist.get_rank() if processes() > 1 else 0


def own_rows(batch: int) -> slice:
    """Return which rows of a batch are this process's.

    Raises:
        ValueError: if they cannot be divided evenly.
    """
    share, left = divmod(batch, processes())
    if left:
        raise ValueError(f"{batch} rows cannot be divided evenly among {processes()} processes")
    return slice(rank() * share, (rank() + 1) * share)


def own_batches(batches: int) -> list[int]:
    """Return the numbers of the batches that this process scores: every n-th, or the first where there is none left."""
    return list(range(rank(), batches, processes())) or [0]


class _GatheredRows(torch.autograd.Function):
    """All rows, of which each process computed its own.

    Each process has the loss of all rows, and follows it back through its own. Distributed training then averages over
    processes what has to be a sum; so the gradient is that many times as large.
    """

    @staticmethod
    def forward(_: Any, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(processes())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return gradient[own_rows(len(gradient))] * processes()


class _Summed(torch.autograd.Function):
    """The sum over all processes; what it is a part of depends on each process's summand alike."""

    @staticmethod
    def forward(_: Any, summand: Tensor) -> Tensor:
        total = summand.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def gather_output(output: HeadOutput) -> HeadOutput:
    """Return logits and embedding of the whole batch, from those of this process's rows; no loss is of attention."""
    if processes() == 1:
        return output
    logits, embedding = (_GatheredRows.apply(rows) for rows in (output.logits, output.embedding))  # type: ignore[no-untyped-call]
    return HeadOutput(logits, embedding)


def summed(summand: Tensor) -> Tensor:
    """Return the sum over all processes, with its gradient."""
    if processes() == 1:
        return summand
    total: Tensor = _Summed.apply(summand)  # type: ignore[no-untyped-call]
    return total


def highest(values: Tensor) -> Tensor:
    """Return the highest of all processes' values, element by element."""
    if processes() > 1:
        values = values.clone()
        dist.all_reduce(values, dist.ReduceOp.MAX)
    return values


def agree(value: object) -> bool:
    """Return whether all processes have the same value."""
    found: list[object] = [value] * processes()
    if processes() > 1:
        dist.all_gather_object(found, value)
    return all(each == value for each in found)
