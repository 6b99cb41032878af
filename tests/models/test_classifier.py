"""A head that starts from the rows of a published classifier, in a small stand-in for AST's in the hub's layout."""

import json
from pathlib import Path

import pytest
import torch
import transformers
from model_fixtures import ATTENTION, HEAD, MEAN_HEAD, NETWORK, Parts
from models.test_families import AST
from safetensors.torch import load_file, save_file

from instrumentarium.models.classifier import start_from_classifier
from instrumentarium.models.heads.linear import LinearHead
from instrumentarium.models.params import BackboneParams, HeadParams, HubWeights, PathWeights, unfit_classifier
from instrumentarium.models.pretrained import PretrainedWeightsError
from instrumentarium.models.recognition import RecognitionModel
from instrumentarium.runtime.checksums import md5_of_file
from taxonomies import BAND3

LABELS = ("Speech", "Violin, fiddle", "Singing", "Bass guitar", "Drum kit", "Cello")
CHOSEN = dict(zip(BAND3.codes, ("Drum kit", "Bass guitar", "Singing"), strict=True))


@pytest.fixture
def published(tmp_path: Path) -> transformers.ASTForAudioClassification:
    """Write a classifier of six labels as the hub lays it out, all of its weights drawn at random."""
    torch.manual_seed(1)
    config = transformers.ASTConfig(
        **AST.model_dump(exclude={"kind"}),
        id2label=dict(enumerate(LABELS)),
        label2id={name: n for n, name in enumerate(LABELS)},
    )
    model = transformers.ASTForAudioClassification(config)
    for weights in model.classifier.parameters():
        torch.nn.init.normal_(weights)
    model.save_pretrained(tmp_path)
    return model.eval()


def source(folder: Path, **classifier: str) -> PathWeights:
    md5 = md5_of_file(folder / "model.safetensors")
    return PathWeights(source="path", at=str(folder), md5=md5, classifier=classifier or CHOSEN)


def a_model(head: HeadParams = MEAN_HEAD) -> RecognitionModel:
    return Parts(backbone=AST, head=head, taxonomy=BAND3).build().eval()


def refusal(model: RecognitionModel, weights: PathWeights | HubWeights) -> str:
    with pytest.raises(PretrainedWeightsError) as info:
        start_from_classifier(model, weights, BAND3.codes)
    return str(info.value)


def test_a_logit_is_the_published_one_of_its_label_where_the_norm_changes_nothing(published, tmp_path: Path):
    model = a_model()
    start_from_classifier(model, source(tmp_path), BAND3.codes)
    embedding = torch.randn(4, AST.hidden_size)
    embedding = torch.nn.functional.layer_norm(embedding, (AST.hidden_size,), eps=0)
    found = model.head(embedding[:, :, None].expand(-1, -1, 7)).logits
    expected = published.classifier(embedding)[:, [LABELS.index(CHOSEN[code]) for code in BAND3.codes]]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_the_rest_of_the_model_stays(published, tmp_path: Path):
    model, other = a_model(), a_model()
    start_from_classifier(model, source(tmp_path), BAND3.codes)
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, other.state_dict()[name])}
    assert changed == {"head.linear.weight", "head.linear.bias"}
    assert isinstance(model.head, LinearHead)
    assert model.head.linear.weight.requires_grad


def test_from_the_hub_weights_and_labels_are_those_of_one_revision(published, tmp_path: Path, monkeypatch):
    asked = []

    def fetched(name: str, file: str, revision: str) -> str:
        asked.append((name, file, revision))
        return str(tmp_path / file)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fetched)
    hub, path = a_model(), a_model()
    weights = HubWeights(source="hub", name="someone/ast", revision="v1", classifier=CHOSEN)
    start_from_classifier(hub, weights, BAND3.codes)
    start_from_classifier(path, source(tmp_path), BAND3.codes)
    assert all(torch.equal(tensor, path.state_dict()[name]) for name, tensor in hub.state_dict().items())
    assert asked == [("someone/ast", file, "v1") for file in ("config.json", "model.safetensors")]


def test_instruments_without_a_label_are_named(published, tmp_path: Path):
    first, *others = BAND3.codes
    said = refusal(a_model(), source(tmp_path, **{first: "Singing"}))
    assert f"no label for the instruments {', '.join(others)};" in said
    said = refusal(a_model(), source(tmp_path, **CHOSEN, kazoo="Cello"))
    assert "names labels for kazoo, which the taxonomy lacks" in said


def test_a_label_that_is_not_published_is_named_with_the_closest(published, tmp_path: Path):
    said = refusal(a_model(), source(tmp_path, **{**CHOSEN, BAND3.codes[0]: "Violin"}))
    assert "'Violin'" in said
    assert "Violin, fiddle" in said


@pytest.mark.parametrize("content", [None, "{", "{}", '{"id2label": {"a": "b"}}'])
def test_what_does_not_say_what_its_rows_are_is_refused(published, tmp_path: Path, content: str | None):
    (tmp_path / "config.json").unlink() if content is None else (tmp_path / "config.json").write_text(content)
    assert "says what the classifier's rows are" in refusal(a_model(), source(tmp_path))


def test_weights_without_a_classifier_or_of_another_size_are_refused(published, tmp_path: Path):
    file = tmp_path / "model.safetensors"
    tensors = load_file(file)
    fewer = {name: tensors[f"classifier.{name}"][:3].clone() for name in ("dense.weight", "dense.bias")}
    save_file({**tensors, "classifier.dense.weight": fewer["dense.weight"]}, file)
    assert "do not fit together: " in refusal(a_model(), source(tmp_path))
    save_file({**tensors, **{f"classifier.{name}": rows for name, rows in fewer.items()}}, file)
    assert "a classifier of 3 labels" in refusal(a_model(), source(tmp_path))
    save_file({name: tensor for name, tensor in tensors.items() if not name.startswith("classifier")}, file)
    assert "has no classifier (classifier.layernorm.weight is missing)" in refusal(a_model(), source(tmp_path))


@pytest.mark.parametrize(
    ("backbone", "head", "said"),
    [
        (NETWORK, MEAN_HEAD, "found backbone cnn and head linear of pooling mean"),
        (AST, HEAD, "found backbone ast and head linear of pooling mean_max"),
        (AST, ATTENTION, "found backbone ast and head attention;"),
    ],
)
def test_another_backbone_or_head_is_refused_before_any_work(
    published, tmp_path: Path, backbone: BackboneParams, head: HeadParams, said: str
):
    weights = source(tmp_path)
    assert said in str(unfit_classifier(backbone, head, weights))
    assert unfit_classifier(AST, MEAN_HEAD, weights) is None
    assert unfit_classifier(backbone, head, weights.model_copy(update={"classifier": None})) is None
    if backbone is AST:
        assert "needs the head linear_mean" in refusal(a_model(head), weights)


def test_the_documented_labels_are_written_as_json_too():
    weights = HubWeights(source="hub", name="n", revision="r", classifier=CHOSEN)
    assert HubWeights.model_validate(json.loads(weights.model_dump_json())) == weights
