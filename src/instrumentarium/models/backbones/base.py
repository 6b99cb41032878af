"""What a backbone is: features in, a sequence of embeddings over time out. It does not pool over time; heads do."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from instrumentarium.models.pretrained import Checkpoint, PretrainedWeightsError
from instrumentarium.runtime.errors import UserError


class CheckpointingError(UserError, ValueError):
    """A backbone whose gradients cannot be checkpointed."""


class UnfitShapeError(UserError, ValueError):
    """A backbone that does not take features of this shape."""


class MissingPackageError(UserError, ImportError):
    """A package that a backbone is built by is not installed."""


FeatureShape = tuple[int, ...]
"""Of the features of one window: (channels, bands, frames), or (samples,)."""


@dataclass(frozen=True)
class Block:
    """A part of a backbone that features pass through before the next: its name, and its weights."""

    name: str
    weights: tuple[nn.Parameter, ...]


def blocks_of(modules: Mapping[str, nn.Module]) -> tuple[Block, ...]:
    """Return modules as blocks, in their order."""
    return tuple(Block(name, tuple(module.parameters())) for name, module in modules.items())


class Backbone(nn.Module):
    """Features → (batch, size, steps).

    Attributes:
        size: of the embedding at each step.
        takes_spectra: whether its features are (batch, channels, bands, frames); (batch, samples) otherwise.
    """

    size: int
    takes_spectra: bool = True

    @property
    def gradcam_target(self) -> nn.Module | None:
        """The layer whose input is the last feature map, (batch, channels, bands, frames) or (batch, channels, steps).

        None where the backbone has no such map.
        """
        return None

    def blocks_in_order(self) -> tuple[Block, ...]:
        """Return the blocks that features pass through one after the other; () if unknown.

        Learning rates by depth go by them, and what of the backbone is trained at all.
        """
        return ()

    def checkpoint_gradients(self) -> None:
        """From now on compute what is inside a block again for its gradients, instead of keeping it.

        Raises:
            CheckpointingError: if that is not possible, or would change the result.
        """
        raise CheckpointingError(
            f"training.gradient_checkpointing is for large networks, and {type(self).__name__} has no part that could be "
            "computed again without changing the result; set it to false"
        )

    def load_published(self, checkpoint: Checkpoint) -> None:
        """Take over weights under the names that they were published by.

        Raises:
            PretrainedWeightsError: if they are of another network.
        """
        raise PretrainedWeightsError(
            f"{checkpoint.where} holds no weights of this network; name the model folder of an experiment that trained it"
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings of each step, (batch, size, steps)."""
        raise NotImplementedError


class BandMean(nn.Module):
    """(batch, channels, bands, frames) → (batch, channels, frames): the mean over bands."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return the mean over bands."""
        return maps.mean(dim=2)
