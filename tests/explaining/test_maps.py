import numpy as np
import pytest
import torch
from explaining.made import ByHand
from model_fixtures import ATTENTION, NETWORK, RAW, Parts, tiny_model
from scipy.stats import spearmanr
from torch import Tensor, nn

from instrumentarium.explaining.attention import attention_map
from instrumentarium.explaining.errors import NoAttentionError, NoFeatureMapError
from instrumentarium.explaining.maps import (
    FeaturesToLogits,
    choose_method,
    evidence,
    grad_cam,
    integrated_gradients,
    resized,
    time_attention,
)
from instrumentarium.models.params import CnnParams, TimmParams
from instrumentarium.models.recognition import RecognitionModel

TIMM = TimmParams(kind="timm", architecture="test_resnet")
VIT = TimmParams(kind="timm", architecture="test_vit")
METHODS = ("gradcam", "gradients", "attention")


def features(batch: int = 1, bands: int = 16, frames: int = 32, seed: int = 1) -> Tensor:
    return torch.randn(batch, 1, bands, frames, generator=torch.Generator().manual_seed(seed))


def model_of(network: CnnParams | TimmParams = NETWORK, seed: int = 0) -> RecognitionModel:
    return tiny_model(seed, network).eval()


def model_for(method: str, seed: int = 0) -> RecognitionModel:
    """Return a model that can be explained by `method`."""
    return model_of(VIT if method == "attention" else NETWORK, seed)


def test_grad_cam_is_what_the_paper_computes():
    network, inputs = ByHand(), features(2, 8, 12)
    wanted = torch.tensor([1, 0])
    with torch.no_grad():
        feature_map = network.convolution(inputs).relu()  # (2, 3, 4, 6)
    # d logit / d map is head weight / cells, everywhere in a channel; so is its mean
    alpha = network.head.weight.detach()[wanted] / (4 * 6)  # (2, 3)
    by_hand = (alpha[:, :, None, None] * feature_map).sum(dim=1, keepdim=True).clamp(min=0)
    assert by_hand.any()
    found = grad_cam(network, network.pool, inputs, wanted)
    torch.testing.assert_close(found, by_hand[:, 0])
    bilinear = nn.functional.interpolate(by_hand, size=(8, 12), mode="bilinear", align_corners=False)[:, 0]
    torch.testing.assert_close(resized(found, (8, 12)), bilinear)


def test_grad_cam_finds_the_band_that_counts():
    network = ByHand()
    with torch.no_grad():  # the first logit is the energy in the first channel, which passes positive cells
        network.convolution.weight.zero_()
        network.convolution.weight[0, 0, 1, 1] = 1.0
        network.convolution.bias.zero_()
        network.head.weight.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    inputs = torch.zeros(1, 1, 8, 12)
    inputs[:, :, 2, 6:] = 1.0
    found = resized(grad_cam(network, network.pool, inputs, torch.tensor([0])), (8, 12))[0]
    assert found[1:4, 6:].sum() > 0.8 * found.sum()
    assert not found[6:].any()


def test_integrated_gradients_of_a_linear_model_are_weight_times_feature():
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    inputs = features(2, 4, 4)
    found = integrated_gradients(network, inputs, torch.tensor([2, 0]))
    weights = network[1].weight.detach()[[2, 0]].view(2, 4, 4)
    torch.testing.assert_close(found, weights * inputs[:, 0])


def test_integrated_gradients_add_up_to_the_logit():
    network = FeaturesToLogits(model_of())
    inputs = features(2)
    instruments = torch.tensor([0, 7])
    found = integrated_gradients(network, inputs, instruments, steps=200)
    with torch.no_grad():
        gained = (network(inputs) - network(torch.zeros_like(inputs)))[torch.arange(2), instruments]
    torch.testing.assert_close(found.sum(dim=(1, 2)), gained, rtol=0.02, atol=0.002)


@pytest.mark.parametrize(
    ("network", "method"),
    [
        *((each, m) for each in (NETWORK, CnnParams(kind="cnn", channels=(3, 5)), TIMM) for m in METHODS[:2]),
        *((VIT, m) for m in METHODS[1:]),
    ],
)
def test_evidence_is_between_0_and_1_in_the_spectrogram_s_shape(network, method):
    found = evidence(model_of(network), features(3, 16, 37), torch.tensor([0, 5, 10]), method, (16, 37))
    assert found.shape == (3, 16, 37)
    assert found.isfinite().all()
    assert found.min() >= 0
    assert all(value in (0, 1) for value in found.amax(dim=(1, 2)).tolist())
    assert found.any()


@pytest.mark.parametrize("method", METHODS)
def test_without_evidence_the_map_is_empty(method):
    model = model_for(method)
    with torch.no_grad():
        model.head.linear.weight.zero_()
    assert not evidence(model, features(), torch.tensor([3]), method, (16, 32)).any()


@pytest.mark.parametrize("method", METHODS)
def test_an_explanation_leaves_the_model_as_it_was(method):
    model = model_for(method)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fused = [layer.fused_attn for layer in model.modules() if hasattr(layer, "fused_attn")]
    evidence(model, features(), torch.tensor([3]), method, (16, 32))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.modules())
    assert all(weights.grad is None for weights in model.parameters())
    assert [layer.fused_attn for layer in model.modules() if hasattr(layer, "fused_attn")] == fused


@pytest.mark.parametrize("method", METHODS)
def test_evidence_depends_on_the_instrument(method):
    inputs = features().expand(2, -1, -1, -1).contiguous()
    first, second = evidence(model_for(method), inputs, torch.tensor([0, 1]), method, (16, 32))
    assert not torch.allclose(first, second, atol=0.05)


@pytest.mark.parametrize("part", ["head", "backbone"])
@pytest.mark.parametrize("method", METHODS)
def test_evidence_depends_on_the_weights(method, part):
    """A sanity check of Adebayo et al. 2018: a map that survives random weights explains nothing of the model."""
    inputs, instruments = features(8), torch.arange(8)
    model, random = model_for(method), model_for(method)
    getattr(random, part).load_state_dict(getattr(model_for(method, seed=99), part).state_dict())
    before, after = (
        evidence(each, inputs, instruments, method, (16, 32)).flatten(1).numpy() for each in (model, random)
    )
    likeness = [spearmanr(a, b).statistic for a, b in zip(before, after, strict=True) if a.any() and b.any()]
    assert len(likeness) >= 4
    assert abs(np.mean(likeness)) < 0.5


def test_the_method_follows_from_the_network():
    for network in (NETWORK, TIMM):
        assert choose_method(model_of(network), "auto") == "gradcam"
        assert choose_method(model_of(network), "gradients") == "gradients"


def test_attention_of_one_layer_is_what_the_paper_computes():
    model = model_of(VIT)
    vit = model.backbone.network
    vit.blocks = vit.blocks[:1]
    (block,) = vit.blocks
    inputs, wanted = features(2, 32, 48), torch.tensor([4, 9])
    with torch.no_grad():
        tokens = vit._pos_embed(vit.patch_embed(inputs))  # (2, 1 + 2 · 3, width)
    attend = block.attn
    batch, count, width = tokens.shape
    q, k, v = attend.qkv(block.norm1(tokens)).reshape(batch, count, 3, attend.num_heads, -1).permute(2, 0, 3, 1, 4)
    weights = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(dim=-1).detach().requires_grad_()
    mixed = attend.proj((weights @ v).transpose(1, 2).reshape(batch, count, width))
    x = tokens + block.ls1(mixed)
    x = vit.norm(x + block.ls2(block.mlp(block.norm2(x))))
    patches = x[:, vit.num_prefix_tokens :].unflatten(1, (2, 3)).mean(dim=1)  # (2, 3, width): bands are averaged
    model.head(patches.transpose(1, 2)).logits[torch.arange(2), wanted].sum().backward()
    step = (weights * weights.grad).clamp(min=0).mean(dim=1).detach()
    row = step[:, vit.num_prefix_tokens :].mean(dim=1)
    by_hand = row[:, vit.num_prefix_tokens :].reshape(2, 1, 2, 3)
    found = attention_map(FeaturesToLogits(model), vit, inputs, wanted)
    bilinear = nn.functional.interpolate(by_hand, size=(32, 48), mode="bilinear", align_corners=False)[:, 0]
    assert bilinear.any()
    torch.testing.assert_close(found, bilinear)


def test_a_transformer_is_explained_by_its_attention():
    assert choose_method(model_of(VIT), "auto") == "attention"
    assert choose_method(model_of(VIT), "gradients") == "gradients"
    with pytest.raises(NoFeatureMapError):
        choose_method(model_of(VIT), "gradcam")
    with pytest.raises(NoAttentionError, match=r"set explain\.method to gradcam, gradients or auto"):
        choose_method(model_of(), "attention")


class WithoutMap(nn.Module):
    """A network over something else than maps."""

    gradcam_target = None
    size = 4


def test_a_network_without_feature_map_is_explained_by_gradients():
    model = model_of()
    model.backbone = WithoutMap()  # type: ignore[assignment]
    assert choose_method(model, "auto") == "gradients"
    with pytest.raises(NoFeatureMapError, match=r"set explain\.method to gradients or auto"):
        choose_method(model, "gradcam")


def test_an_attention_head_is_explained_by_its_weights_over_time():
    model = Parts(head=ATTENTION).build().eval()
    assert choose_method(model, "attention") == "attention"
    assert choose_method(model, "auto") == "gradcam"
    wanted = torch.tensor([3, 0])
    weights = time_attention(model, features(2), wanted)
    attention = model.classify(features(2)).attention
    torch.testing.assert_close(weights[:, 0], attention[torch.arange(2), wanted])
    found = evidence(model, features(2), wanted, "attention", (16, 32))
    assert found.shape == (2, 16, 32)
    torch.testing.assert_close(found, found[:, :1].expand(-1, 16, -1))  # it knows no frequencies


@pytest.mark.parametrize("method", METHODS)
def test_a_network_over_the_waveform_is_explained_over_time(method: str):
    model = RAW.build().eval()
    waveforms = 0.1 * torch.randn(2, 4000, generator=torch.Generator().manual_seed(0))
    found = evidence(model, waveforms, torch.tensor([2, 4]), method, (64, 51))
    assert found.shape == (2, 64, 51)
    assert found.isfinite().all()
    assert set(found.amax(dim=(1, 2)).tolist()) <= {0.0, 1.0}
    assert found.any()
    torch.testing.assert_close(found, found[:, :1].expand(-1, 64, -1))
