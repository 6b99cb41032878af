"""What a backbone is: features in, a sequence of embeddings over time out. It does not pool over time; heads do."""

from torch import Tensor, nn

from instrumentarium.models.pretrained import Checkpoint, PretrainedWeightsError

FeatureShape = tuple[int, ...]
"""Of the features of one window: (channels, bands, frames), or (samples,)."""


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

    def blocks_in_order(self) -> tuple[nn.Module, ...]:
        """Return the blocks that features pass through one after the other, for learning rates by depth; () if unknown."""
        return ()

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
