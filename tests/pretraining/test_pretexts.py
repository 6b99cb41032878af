"""What each pretext task asks, held against references and against what the backbone gets to see."""

from typing import Any

import numpy as np
import pytest
import torch
from model_fixtures import NETWORK
from models.test_families import AST
from pretraining.conftest import PRETRAINING
from pytorch_metric_learning.losses import NTXentLoss
from torch import Tensor, nn

from instrumentarium.models.backbones.build import build_backbone
from instrumentarium.models.params import BackboneParams, CrnnParams, LstmParams, TimmParams
from instrumentarium.pretraining.build import build_pretext
from instrumentarium.pretraining.contrastive import nt_xent, partners
from instrumentarium.pretraining.masked import MaskedPatches
from instrumentarium.pretraining.patch_shuffle import PatchShuffleDetection

SHAPE = (1, 16, 32)
BACKBONES: dict[str, BackboneParams] = {
    "cnn": NETWORK,
    "timm": TimmParams(kind="timm", architecture="test_resnet"),
    "lstm": LstmParams(kind="lstm", hidden=6, layers=1, bidirectional=True, dropout=0.0),
    "crnn": CrnnParams(kind="crnn", channels=(4, 8), hidden=6, layers=1, dropout=0.0),
    "ast": AST,
}


def build(method: str, backbone: BackboneParams = NETWORK, **changes: object) -> Any:
    torch.manual_seed(0)
    params = PRETRAINING.model_copy(update={"method": method, **changes})
    return build_pretext(params, build_backbone(backbone, SHAPE), SHAPE)


def seen_by(pretext: Any, features: Tensor, draw: Any) -> Tensor:
    """Return what the backbone is given."""
    given: list[Tensor] = []
    handle = pretext.backbone.register_forward_pre_hook(lambda module, inputs: given.append(inputs[0]))
    pretext(features, draw)
    handle.remove()
    return given[0]


@pytest.mark.parametrize("temperature", [0.05, 0.1, 1.0])
def test_nt_xent_is_that_of_pytorch_metric_learning(temperature: float) -> None:
    embeddings = torch.randn(10, 7, generator=torch.Generator().manual_seed(3))
    reference = NTXentLoss(temperature=temperature)(embeddings, torch.arange(5).repeat(2))
    assert nt_xent(embeddings, temperature).item() == pytest.approx(reference.item(), rel=1e-5)


def test_nt_xent_of_equal_pairs_far_from_all_others_is_0() -> None:
    embeddings = torch.eye(4).repeat(2, 1)
    assert nt_xent(embeddings, 0.01).item() == pytest.approx(0, abs=1e-6)
    assert partners(4, embeddings.device).tolist() == [4, 5, 6, 7, 0, 1, 2, 3]


@pytest.mark.parametrize("method", ["masked", "patch_shuffle", "contrastive"])
@pytest.mark.parametrize("backbone", sorted(BACKBONES))
def test_every_spectrogram_backbone_learns_by_every_method(method: str, backbone: str) -> None:
    pretext = build(method, BACKBONES[backbone])
    features = torch.randn(6, *SHAPE, generator=torch.Generator().manual_seed(1))
    draw = pretext.draw(6, torch.Generator().manual_seed(2))
    output = pretext(features, draw)
    assert torch.isfinite(output.loss)
    assert 0 <= output.accuracy <= 1
    output.loss.backward()
    gradients = [weights.grad for weights in pretext.backbone.parameters() if weights.requires_grad]
    reached = [gradient for gradient in gradients if gradient is not None and gradient.abs().sum() > 0]
    assert len(reached) >= len(gradients) / 2


def test_what_was_masked_cannot_be_seen() -> None:
    pretext: MaskedPatches = build("masked").eval()
    features = torch.randn(2, *SHAPE)
    draw = pretext.draw(2, torch.Generator().manual_seed(0))
    assert draw.shape == (2, round(0.4 * 32))
    rows = torch.arange(2)[:, None]
    patches = pretext.grid.cut(features)
    patches[rows, draw] = 99.0
    changed = pretext.grid.put(features, patches)
    given = seen_by(pretext, features, draw)
    assert torch.equal(given, seen_by(pretext, changed, draw))
    kept = pretext.grid.cut(given) == pretext.grid.cut(features)
    assert kept.all(dim=2).sum(dim=1).tolist() == [32 - 13] * 2


def test_the_masked_loss_is_that_of_its_two_terms() -> None:
    pretext: MaskedPatches = build("masked").eval()
    features = torch.randn(2, *SHAPE)
    draw = pretext.draw(2, torch.Generator().manual_seed(0))
    decoded = torch.randn(2, 32, 32)
    pretext.decoder = Fixed(decoded)
    output = pretext(features, draw)
    found, discriminative, generative = [], [], []
    for window, places in enumerate(draw.numpy()):
        truth = pretext.grid.cut(features)[window].numpy()[places].astype(np.float64)
        restored, code = np.split(decoded[window].numpy()[places].astype(np.float64), 2, axis=1)
        unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)  # noqa: E731
        cosines = unit(code) @ unit(truth).T
        log_shares = cosines / 0.1 - np.log(np.exp(cosines / 0.1).sum(axis=1, keepdims=True))
        discriminative.append(-np.diag(log_shares).mean())
        generative.append(((restored - truth) ** 2).mean())
        found.append((cosines.argmax(axis=1) == np.arange(len(places))).mean())
    assert output.loss.item() == pytest.approx(np.mean(discriminative) + 10 * np.mean(generative), rel=1e-5)
    assert output.accuracy.item() == pytest.approx(np.mean(found))


def test_restoring_every_patch_leaves_nothing_to_lose() -> None:
    pretext: MaskedPatches = build("masked", discriminative_weight=0.0).eval()
    features = torch.randn(2, *SHAPE)
    patches = pretext.grid.cut(features)
    pretext.decoder = Fixed(torch.cat([patches, patches], dim=2))
    output = pretext(features, pretext.draw(2, torch.Generator().manual_seed(0)))
    assert output.loss.item() == pytest.approx(0, abs=1e-12)
    assert output.accuracy.item() == 1


def test_displaced_patches_and_no_others_are_at_another_place() -> None:
    pretext: PatchShuffleDetection = build("patch_shuffle").eval()
    features = torch.randn(2, *SHAPE)
    draw = pretext.draw(2, torch.Generator().manual_seed(0))
    before, after = pretext.grid.cut(features), pretext.grid.cut(seen_by(pretext, features, draw))
    for window in range(2):
        moved = (before[window] != after[window]).any(dim=1).nonzero()[:, 0].tolist()
        assert moved == sorted(draw[window].tolist())
        assert sorted(before[window].sum(dim=1).tolist()) == sorted(after[window].sum(dim=1).tolist())
        logits = torch.full((1, 32, 1), -9.0)
        logits[0, moved] = 9.0
        pretext.decoder = Fixed(logits)
        output = pretext(features[window : window + 1], draw[window : window + 1])
        assert output.accuracy.item() == pytest.approx(1)
        assert output.loss.item() < 1e-3


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_saying_the_same_of_every_patch_is_right_by_half(share: float) -> None:
    pretext: PatchShuffleDetection = build("patch_shuffle", share=share).eval()
    pretext.decoder = Fixed(torch.full((3, 32, 1), -0.5))
    output = pretext(torch.randn(3, *SHAPE), pretext.draw(3, torch.Generator().manual_seed(0)))
    assert output.accuracy.item() == pytest.approx(0.5)


class Fixed(nn.Module):
    """Says the same whatever it is given."""

    def __init__(self, said: Tensor) -> None:
        super().__init__()
        self.said = said

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.said
