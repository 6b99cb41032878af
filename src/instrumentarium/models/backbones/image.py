"""Image networks of timm over spectrograms, with ImageNet weights where they are asked for.

Convolutional networks and plain vision transformers take spectrograms of any size. Other transformers (Swin, MaxViT, EVA,
Hiera, BEiT and their kin) are built for windows of one length: each spectrogram is zero-padded behind its last band and
frame to what their strides divide, and timm resizes their position embeddings to it.

Source: Wightman: PyTorch Image Models, github.com/huggingface/pytorch-image-models.
"""

import difflib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from instrumentarium.models.backbones.base import Backbone, BandMean, Block, CheckpointingError, FeatureShape
from instrumentarium.models.pretrained import Checkpoint, PretrainedWeightsError
from instrumentarium.runtime.errors import UserError

STRIDE = 32
"""Of the last map of almost every image network, in bands and frames; windows of attention divide it too."""
PATCH = 14
"""In bands and frames, of the transformers whose patch does not divide STRIDE."""
SIZES = (8, 12, 16, 24, 32, 48, 64, 75, 96, 128, 224)
"""Bands or frames among which the smallest is looked for that a network takes."""
CLASSIFIER_PARTS = frozenset({"head", "conv_head", "norm_head", "fc_norm"})
"""What networks of timm may have between their last map and the classifier, and some have before the map."""


class UnknownArchitectureError(UserError, ValueError):
    """timm has no network of this name, or it cannot take spectrograms of this size."""


class WindowLengthError(UserError, ValueError):
    """A network that was built for windows of one length got longer ones."""


MapReader = Callable[[Any, Tensor], Tensor]
"""From a network and features to its last map, (batch, channels, bands', frames')."""


@dataclass(frozen=True)
class Layout:
    """How timm builds a network for spectrograms, and how its last map is read."""

    options: Mapping[str, Any]
    read_map: MapReader
    unused: tuple[str, ...]  # parts of the network that only its own classifier would need

    @property
    def padded(self) -> tuple[int, int] | None:
        """The only size it takes, (bands, frames), to which spectrograms are padded; None where it takes any."""
        return self.options.get("img_size")


class ImageNetwork(Backbone):
    """Features (batch, channels, bands, frames) → (batch, size, steps), by a network of timm; bands are averaged.

    The first layer's published weights are summed over the colours for one channel, and kept for three (timm does so).
    """

    def __init__(self, architecture: str, shape: FeatureShape, *, pretrained: bool) -> None:
        """Build the network for windows whose features have `shape`.

        Raises:
            UnknownArchitectureError: if timm has no such architecture, or it has no map over bands and frames of this
                shape.
            PretrainedWeightsError: if the weights cannot be fetched.
        """
        super().__init__()
        layout = find_layout(architecture, shape)
        self.padded, self.read_map = layout.padded, layout.read_map
        try:
            self.network = _create(architecture, shape, layout.options, pretrained=pretrained)
        except Exception as error:
            if not pretrained:
                raise
            raise PretrainedWeightsError(
                f"the pretrained weights of {architecture} could not be fetched from the hub ({_one_line(error)}). Connect "
                "this machine to it once (the weights are kept in HF_HOME), or train from scratch: set "
                "`pretrained: false` in the model's recipe in params.yaml"
            ) from error
        for part in layout.unused:
            setattr(self.network, part, nn.Identity())
        self.architecture = architecture
        self.channels = shape[0]
        self.band_mean = BandMean()
        self.size = int(self.network.num_features)

    @property
    def gradcam_target(self) -> nn.Module | None:
        """The mean over bands, whose input is the last feature map; None for transformers, which have tokens instead."""
        return self.band_mean if self.read_map in {read_channels_first, read_channels_last} else None

    def blocks_in_order(self) -> tuple[Block, ...]:
        """Return what timm groups for learning rates by depth: the stem, and each stage or block behind it."""
        if not hasattr(self.network, "group_matcher"):
            return ()
        from timm.models import group_parameters

        weights = dict(self.network.named_parameters())
        groups = group_parameters(self.network, self.network.group_matcher(coarse=True))
        return tuple(
            Block(
                own_name(names[0], [name for name in weights if name not in names]) if place else "stem",
                tuple(weights[name] for name in names),
            )
            for place, names in groups.items()
        )

    def checkpoint_gradients(self) -> None:
        """Compute what is inside a stage again for its gradients.

        Raises:
            CheckpointingError: if the network has batch norms, which would count every batch twice, or timm cannot.
        """
        if any(isinstance(module, _BatchNorm) for module in self.network.modules()):
            raise CheckpointingError(
                f"training.gradient_checkpointing is true, and {self.architecture} has batch norms, which would count each "
                "batch twice; set it to false, or choose a network without them, such as convnext_tiny"
            )
        try:
            self.network.set_grad_checkpointing(enable=True)
        except (AttributeError, AssertionError) as error:
            raise CheckpointingError(
                f"training.gradient_checkpointing is true, and timm has none for {self.architecture}; set it to false"
            ) from error

    def load_published(self, checkpoint: Checkpoint) -> None:
        """Take over weights of this architecture, under timm's names, older ones of it, or in its order.

        Raises:
            PretrainedWeightsError: if they are of another network.
        """
        import timm
        from timm.models import adapt_input_conv

        tensors = dict(checkpoint.tensors)
        own, described = self.network.state_dict(), self.network.pretrained_cfg
        if not own.keys() & tensors.keys():
            tensors = _in_order(self.architecture, tensors, checkpoint.where)
        rename = getattr(sys.modules[timm.model_entrypoint(self.architecture).__module__], "checkpoint_filter_fn", None)
        try:
            if rename is not None:
                tensors = dict(rename(tensors, self.network))
            first = described["first_conv"]
            for name in (f"{each}.weight" for each in ((first,) if isinstance(first, str) else first or ())):
                if name in tensors:
                    tensors[name] = adapt_input_conv(self.channels, tensors[name])
            lacking = self.network.load_state_dict(tensors, strict=False).missing_keys  # beyond it is the classifier
        except (RuntimeError, KeyError, ValueError) as error:
            raise PretrainedWeightsError(_of_another(checkpoint.where, self.architecture, _one_line(error))) from error
        if lacking:
            reason = f"{len(lacking)} tensors are missing, {lacking[0]} first"
            raise PretrainedWeightsError(_of_another(checkpoint.where, self.architecture, reason))

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings of each step.

        Raises:
            WindowLengthError: if the network is built for one length of window, and these are longer.
        """
        if self.padded is not None:
            bands, frames = (have - found for have, found in zip(self.padded, features.shape[2:], strict=True))
            if frames < 0 or bands < 0:
                raise WindowLengthError(
                    f"this network is built for spectrograms of {' × '.join(map(str, self.padded))} bands and frames, "
                    f"found {' × '.join(map(str, features.shape[2:]))}; take the window length it was trained with"
                )
            features = F.pad(features, (0, frames, 0, bands))
        embeddings: Tensor = self.band_mean(
            self.read_map(self.network, features.contiguous(memory_format=torch.channels_last))
        )
        return embeddings


def own_name(weight: str, others: Sequence[str]) -> str:
    """Return the shortest name of a module with this weight and none of the others; its own name if there is none."""
    parts = weight.split(".")
    for depth in range(1, len(parts)):
        name = ".".join(parts[:depth])
        if not any(other.startswith(f"{name}.") for other in others):
            return name
    return weight


def find_layout(architecture: str, shape: FeatureShape) -> Layout:
    """Return how a network is built for features of `shape`.

    Candidates are built and run on the meta device, which computes shapes alone: about a tenth of a second each.

    Raises:
        UnknownArchitectureError: if timm has no such architecture, or no candidate has a map over bands and frames.
    """
    check_architecture(architecture)
    channels, bands, frames = shape
    reason = "it has no map over bands and frames"
    for options in _candidates(architecture, bands, frames):
        size: tuple[int, int] = options.get("img_size", (bands, frames))
        try:
            with torch.device("meta"), torch.no_grad():
                network = _create(architecture, shape, options, pretrained=False).eval()
                if "img_size" in options and any(map(int.__mod__, size, _patch_size(network))):
                    continue
                features = torch.zeros(1, channels, *size)
                with _called(network) as called:
                    read_map = _find_reader(network, features)
                unused = tuple(sorted(CLASSIFIER_PARTS.intersection(dict(network.named_children())) - called))
        except Exception as error:  # whatever a network of timm says of a size that it cannot take
            reason = _one_line(error)
            continue
        if read_map is not None:
            return Layout(options, read_map, unused)
    smallest = _smallest(architecture, channels)
    if smallest is not None and (bands < smallest[0] or frames < smallest[1]):
        raise UnknownArchitectureError(
            f"architecture: {architecture!r} takes spectrograms of at least {smallest[0]} bands and {smallest[1]} frames, "
            f"and the front end makes {bands} × {frames} of a window; choose another `frontend`, or longer windows"
        )
    raise UnknownArchitectureError(
        f"architecture: {architecture!r} cannot take spectrograms of {bands} bands and {frames} frames ({reason}); choose "
        "a convolutional network, a plain vision transformer, or one that timm builds for any `img_size`"
    )


def _smallest(architecture: str, channels: int) -> tuple[int, int] | None:
    """Return the fewest bands and frames of SIZES that a network takes; None if it takes one of them at most."""
    size = [SIZES[-1], SIZES[-1]]
    if not _takes(architecture, channels, *size):
        return None
    for axis in (0, 1):
        for smaller in reversed(SIZES[:-1]):
            if not _takes(architecture, channels, *(smaller if other == axis else size[other] for other in (0, 1))):
                break
            size[axis] = smaller
    return (size[0], size[1]) if size != [SIZES[-1], SIZES[-1]] else None  # else it may be the only size that it takes


def _takes(architecture: str, channels: int, bands: int, frames: int) -> bool:
    """Return whether a network built without a size has a map of spectrograms of this one."""
    try:
        with torch.device("meta"), torch.no_grad():
            network = _create(architecture, (channels, bands, frames), {}, pretrained=False).eval()
            found = network.forward_features(torch.zeros(1, channels, bands, frames))
            return bool(found.ndim == 4 and found.numel())
    except Exception:  # whatever a network of timm says of a size that it cannot take
        return False


def _candidates(architecture: str, bands: int, frames: int) -> Iterator[dict[str, Any]]:
    if is_transformer(architecture):
        yield {"dynamic_img_size": True, "dynamic_img_pad": True}
        return
    for stride in (STRIDE, PATCH):
        yield {"img_size": tuple(-(-size // stride) * stride for size in (bands, frames))}
    yield {}


def _create(architecture: str, shape: FeatureShape, options: Mapping[str, Any], *, pretrained: bool) -> Any:
    import timm

    return timm.create_model(architecture, pretrained=pretrained, in_chans=shape[0], num_classes=0, **options)


def _patch_size(network: Any) -> tuple[int, int]:
    size: tuple[int, int] = getattr(getattr(network, "patch_embed", None), "patch_size", (STRIDE, STRIDE))
    return size


def _find_reader(network: Any, features: Tensor) -> MapReader | None:
    """Return how the last map of a network on the meta device is read; None if it has none."""
    if getattr(network, "dynamic_img_size", False):
        read_patches(network, features)
        return read_patches
    found = network.forward_features(features)
    if isinstance(found, Tensor) and not found.numel():  # no error on the meta device
        raise ValueError("nothing is left of them at the last map")
    if isinstance(found, Tensor) and found.ndim == 4:
        last = getattr(network, "output_fmt", "NCHW") == "NHWC"
        return read_channels_last if last else read_channels_first
    for reader in (read_tokens, read_unnormalised_tokens):
        try:
            shape = reader(network, features).shape
        except (AssertionError, AttributeError, TypeError):  # no such norm, no such method, no such argument
            continue
        if len(shape) == 4 and shape[1] == network.num_features:
            return reader
    return None


@contextmanager
def _called(network: Any) -> Iterator[set[str]]:
    """Yield a set that fills with those parts that may belong to the classifier and yet run, themselves or in part.

    The weights of those that don't would never move.
    """
    called: set[str] = set()
    hooks = [
        layer.register_forward_pre_hook(lambda *_, name=name: called.add(name))
        for name, part in network.named_children()
        if name in CLASSIFIER_PARTS
        for layer in part.modules()
    ]
    yield called
    for hook in hooks:
        hook.remove()


def read_channels_first(network: Any, features: Tensor) -> Tensor:
    """Return the map of a convolutional network."""
    found: Tensor = network.forward_features(features)
    return found


def read_channels_last(network: Any, features: Tensor) -> Tensor:
    """Return the map of a transformer that keeps its tokens as a picture."""
    found: Tensor = network.forward_features(features).permute(0, 3, 1, 2)
    return found


def read_patches(network: Any, features: Tensor) -> Tensor:
    """Return the patches of a plain vision transformer, which takes any size, without its class token."""
    patches = network.forward_features(features)[:, network.num_prefix_tokens :]  # (batch, bands · frames, size)
    grid = network.patch_embed.dynamic_feat_size((features.shape[2], features.shape[3]))
    found: Tensor = patches.transpose(1, 2).unflatten(2, grid)
    return found


def read_tokens(network: Any, features: Tensor, *, norm: bool = True) -> Tensor:
    """Return the tokens behind the last block of another transformer, at their places in the picture."""
    maps: list[Tensor] = network.forward_intermediates(
        features, indices=1, norm=norm, output_fmt="NCHW", intermediates_only=True
    )
    return maps[-1]


def read_unnormalised_tokens(network: Any, features: Tensor) -> Tensor:
    """Return the same of a transformer that normalises its tokens only once they are pooled."""
    return read_tokens(network, features, norm=False)


def _in_order(architecture: str, tensors: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """Return tensors under timm's names where another implementation has as many, of the same shapes, in the same order.

    Raises:
        PretrainedWeightsError: if it has not.
    """
    import timm

    with torch.device("meta"):
        published = timm.create_model(architecture, pretrained=False).state_dict()
    shapes, found = [tensor.shape for tensor in published.values()], [tensor.shape for tensor in tensors.values()]
    if shapes != found:
        reason = f"no tensor has a name of its, and {len(found)} tensors are not its {len(shapes)} in their order"
        raise PretrainedWeightsError(_of_another(where, architecture, reason))
    return dict(zip(published, tensors.values(), strict=True))


def _of_another(where: str, architecture: str, reason: str) -> str:
    return (
        f"{where} holds weights of another network than {architecture} ({reason}); choose others, or its architecture"
    )


def _one_line(error: Exception) -> str:
    return " ".join([f"{type(error).__name__}:", *str(error).strip().splitlines()[:1]])


def is_transformer(architecture: str) -> bool:
    """Return whether timm builds this architecture as a plain vision transformer (ViT, DeiT and their kin)."""
    import timm

    return str(timm.model_entrypoint(architecture).__module__) == "timm.models.vision_transformer"


def check_architecture(architecture: str) -> None:
    """Make sure that timm knows `architecture`.

    Raises:
        UnknownArchitectureError: if it does not; the message names the closest ones it does.
    """
    import timm

    if not timm.is_model(architecture):
        close = difflib.get_close_matches(architecture, timm.list_models(), n=5, cutoff=0.4)
        raise UnknownArchitectureError(
            f"architecture: timm has no {architecture!r}; closest: {', '.join(close) or 'none'} "
            "(all of them: python -c 'import timm; print(timm.list_models())')"
        )
