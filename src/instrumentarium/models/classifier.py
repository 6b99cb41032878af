"""Rows of a published classifier as the start of a new head, so that it begins with what is known of its instruments.

AST's classifier over AudioSet's labels is a layer norm and a linear layer on the mean of two prefix tokens; ours is a
linear layer on the mean over all steps. So the rows are a start to be trained on, not the published classifier: the layer
norm's gains and offsets are multiplied into them, and that it also takes out mean and variance is left to the training.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from instrumentarium.models.heads.linear import LinearHead
from instrumentarium.models.params import HubWeights, PathWeights
from instrumentarium.models.pretrained import PretrainedWeightsError, config_file, read_weights
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.runtime.jsonfile import JsonError, read_json
from instrumentarium.runtime.section import closest

PARTS = ("layernorm.weight", "layernorm.bias", "dense.weight", "dense.bias")
"""Of a classifier as AST has it, under `classifier.`."""


def start_from_classifier(model: RecognitionModel, source: HubWeights | PathWeights, codes: Sequence[str]) -> None:
    """Give the head of a model the rows of the labels that `source.classifier` names, each as its instrument's.

    Args:
        model: with a linear head of mean pooling.
        source: of the weights, with a classifier beside the network's.
        codes: of the instruments, in the order of the model's outputs.

    Raises:
        PretrainedWeightsError: if an instrument has no label, a label is none of the published, an instrument is none of
            the model's, or the weights or their config.json hold no such classifier.
    """
    wanted = dict(source.classifier or {})
    if not isinstance(model.head, LinearHead) or model.head.pooling != "mean":
        raise PretrainedWeightsError(
            f"pretrained.classifier needs the head linear_mean, found {type(model.head).__name__}"
        )
    if lacking := [code for code in codes if code not in wanted]:
        raise PretrainedWeightsError(
            f"pretrained.classifier names no label for the instruments {', '.join(lacking)}; name one for each, or leave "
            "`classifier` out"
        )
    if surplus := [code for code in wanted if code not in codes]:
        raise PretrainedWeightsError(
            f"pretrained.classifier names labels for {', '.join(surplus)}, which the taxonomy lacks; its instruments are "
            f"{', '.join(codes)}"
        )
    rows = _rows([wanted[code] for code in codes], source)
    checkpoint = read_weights(source)
    weights, bias = _folded(checkpoint.tensors, checkpoint.where)
    if weights.shape[1] != model.head.embedding_size or max(rows) >= len(weights):
        raise PretrainedWeightsError(
            f"{checkpoint.where} has a classifier of {len(weights)} labels over {weights.shape[1]} values; its config.json "
            f"must name as many, and the head is over {model.head.embedding_size} values"
        )
    with torch.no_grad():
        model.head.linear.weight.copy_(weights[rows])
        model.head.linear.bias.copy_(bias[rows])


def _rows(labels: Sequence[str], source: HubWeights | PathWeights) -> list[int]:
    """Return the row of each label, as config.json beside the weights says."""
    path = config_file(source)
    try:
        content = read_json(path)
    except (JsonError, FileNotFoundError) as error:
        raise PretrainedWeightsError(
            f"{path}, which says what the classifier's rows are, cannot be read: {error}"
        ) from error
    published = content.get("id2label") if isinstance(content, Mapping) else None
    if not isinstance(published, Mapping) or not all(str(row).isdecimal() for row in published):
        raise PretrainedWeightsError(f"{path} has no `id2label`, which says what the classifier's rows are")
    places = {str(label): int(row) for row, label in published.items()}
    if unknown := [label for label in labels if label not in places]:
        hints = "; ".join(f"{label!r}: {closest(label, list(places))}" for label in unknown)
        raise PretrainedWeightsError(f"pretrained.classifier names labels that {path} lacks ({hints})")
    return [places[label] for label in labels]


def _folded(tensors: Mapping[str, Tensor], where: str) -> tuple[Tensor, Tensor]:
    """Return weights (labels, size) and biases (labels,) with the layer norm's gains and offsets multiplied in."""
    if missing := [name for name in PARTS if f"classifier.{name}" not in tensors]:
        raise PretrainedWeightsError(
            f"{where} has no classifier (classifier.{missing[0]} is missing); leave pretrained.classifier out, or name "
            "weights that have one, such as MIT/ast-finetuned-audioset-10-10-0.4593 of the hub"
        )
    gain, offset, weights, bias = (tensors[f"classifier.{name}"].float() for name in PARTS)
    if not (weights.ndim == 2 and gain.shape == offset.shape == weights.shape[1:] and bias.shape == weights.shape[:1]):
        shapes = ", ".join(f"{name} {tuple(tensors[f'classifier.{name}'].shape)}" for name in PARTS)
        raise PretrainedWeightsError(f"{where} has a classifier whose parts do not fit together: {shapes}")
    return weights * gain, bias + weights @ offset
