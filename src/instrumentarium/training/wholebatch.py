"""Layers that look at a whole batch, where several processes share it: batch norms, and dropout, which draws for it.

With them a network trains as it would in one process. Others that draw at random, such as stochastic depth, draw the same
for the rows of each process.
"""

import torch
from timm.layers.norm_act import BatchNormAct2d, convert_sync_batchnorm
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from instrumentarium.runtime.errors import UserError
from instrumentarium.training.ranks import own_rows, processes, summed


class NormError(UserError, ValueError):
    """A kind of batch norm that cannot be shared."""


class ProcessorBatchNorm(_BatchNorm):
    """Batch norm over the rows of all processes, on the processor; torch's own is for GPUs alone."""

    def _check_input_dim(self, x: Tensor) -> None:
        if x.ndim < 2:
            raise ValueError(f"batch norm takes (batch, channels, ...), found {tuple(x.shape)}")

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, channels, ...) normalised by the statistics of all processes' rows."""
        if not self.training:
            return super().forward(x)
        return self._normalised(x)

    def _normalised(self, x: Tensor) -> Tensor:
        self._check_input_dim(x)
        axes, shape = [0, *range(2, x.ndim)], (1, -1, *[1] * (x.ndim - 2))
        values = x.float()
        count = values.numel() // values.shape[1] * processes()
        mean = summed(values.sum(axes)) / count
        centred = values - mean.view(shape)
        variance = summed(centred.square().sum(axes)) / count
        if self.track_running_stats:
            self._follow(mean.detach(), variance.detach() * (count / (count - 1)))
        normalised = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            normalised = normalised * self.weight.view(shape) + self.bias.view(shape)
        return normalised.to(x.dtype)

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        assert self.num_batches_tracked is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        self.num_batches_tracked.add_(1)
        share = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)


class ProcessorBatchNormAct(BatchNormAct2d, ProcessorBatchNorm):
    """timm's batch norm with an activation behind it, likewise."""

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(self, x: Tensor) -> Tensor:
        """Return what the activation makes of the normalised."""
        if not self.training:
            plain: Tensor = BatchNormAct2d.forward(self, x)  # type: ignore[no-untyped-call]
            return plain
        activated: Tensor = self.act(self.drop(self._normalised(x)))
        return activated


class RowsDropout(nn.Dropout):
    """Dropout that draws for the whole batch, and takes what it drew for this process's rows."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, ...) with values dropped."""
        if not self.training:
            return x
        kept = functional.dropout(x.new_ones(len(x) * processes(), *x.shape[1:]), self.p)
        return x * kept[own_rows(len(kept))]


ON_THE_PROCESSOR: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: ProcessorBatchNorm,
    nn.BatchNorm2d: ProcessorBatchNorm,
    BatchNormAct2d: ProcessorBatchNormAct,
}


def share_batches(model: nn.Module, *, gpu: bool) -> None:
    """Make the layers of a model see the whole batch where several processes share it; weights keep their names.

    Raises:
        NormError: if it has batch norms of a kind that only their own package knows how to compute.
    """
    for module in model.modules():
        if type(module) is nn.Dropout:
            module.__class__ = RowsDropout  # the same state, and nothing but another forward
        if not isinstance(module, _BatchNorm):
            continue
        if type(module) not in ON_THE_PROCESSOR:
            raise NormError(
                f"the network has norms of the kind {type(module).__name__}, whose statistics several processes cannot "
                "share; set training.trainer.devices and num_nodes to 1"
            )
        if not gpu:
            module.__class__ = ON_THE_PROCESSOR[type(module)]  # type: ignore[assignment]
    if gpu:  # by timm's function: torch's own loses the activations of timm's norms
        for name, child in list(model.named_children()):
            setattr(model, name, convert_sync_batchnorm(child))  # type: ignore[no-untyped-call]
