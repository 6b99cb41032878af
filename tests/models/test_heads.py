"""Every kind of head: pooling, what the logits are made of, and that there is no dropout behind them."""

import numpy as np
import pytest
import torch
from model_fixtures import ATTENTION, DEEP, HEAD, MEAN_HEAD, PER_INSTRUMENT, RAW, STILL, Parts, timbre_data, tiny_run
from torch import nn

from instrumentarium.models.heads.base import pool_steps
from instrumentarium.models.heads.build import build_head
from instrumentarium.models.heads.deep import DeepHead
from instrumentarium.models.heads.per_instrument import GroupedLinear, PerInstrumentHead
from instrumentarium.models.modelfile import load_model, save_model
from instrumentarium.models.params import HeadParams
from instrumentarium.training.fit import fit

KINDS = pytest.mark.parametrize(
    "params", [HEAD, MEAN_HEAD, ATTENTION, DEEP, PER_INSTRUMENT], ids=["mean_max", "mean", "attention", "deep", "own"]
)


def embeddings(batch: int = 4, size: int = 6, steps: int = 7) -> torch.Tensor:
    return torch.randn(batch, size, steps, generator=torch.Generator().manual_seed(0))


@KINDS
def test_logits_and_embedding_have_their_shapes_and_every_weight_a_gradient(params: HeadParams):
    torch.manual_seed(0)
    head = build_head(params, 6, 11).eval()
    output = head(embeddings())
    assert output.logits.shape == (4, 11)
    assert output.embedding.shape == (4, head.embedding_size)
    output.logits.square().sum().backward()
    for name, weights in head.named_parameters():
        assert weights.grad is not None, name
        assert weights.grad.any(), name


@KINDS
def test_clips_of_a_batch_do_not_see_one_another(params: HeadParams):
    torch.manual_seed(0)
    head, x = build_head(params, 6, 11).eval(), embeddings()
    alone = torch.cat([head(x[row : row + 1]).logits for row in range(4)])
    torch.testing.assert_close(head(x).logits, alone)


@KINDS
def test_dropout_acts_before_the_last_layer_and_never_on_logits(params: HeadParams):
    torch.manual_seed(0)
    head, x = build_head(params.model_copy(update={"dropout": 0.5}), 6, 11).train(), embeddings(batch=200)
    first, again = head(x).logits, head(x).logits
    assert not torch.allclose(first, again)
    assert (first != 0).all()  # a dropped logit would be exactly 0


def test_pooling_is_the_mean_or_the_mean_and_the_maximum():
    x = embeddings()
    mean, both = pool_steps(x, "mean"), pool_steps(x, "mean_max")
    np.testing.assert_allclose(mean.numpy(), x.numpy().mean(axis=2), atol=1e-6)
    np.testing.assert_allclose(both.numpy(), np.concatenate([x.numpy().mean(2), x.numpy().max(2)], 1), atol=1e-6)


def test_the_deep_head_has_layers_of_the_sizes_asked_for():
    head = DeepHead(6, 11, "mean", [1000, 500], 0.2)
    sizes = [(layer.in_features, layer.out_features) for layer in head.layers if isinstance(layer, nn.Linear)]
    assert sizes == [(6, 1000), (1000, 500), (500, 11)]
    assert isinstance(head.layers[-1], nn.Linear)


@pytest.mark.parametrize("hidden", [(5,), (8, 3)])
def test_networks_an_instrument_equal_a_loop_over_separate_ones(hidden: tuple[int, ...]):
    torch.manual_seed(0)
    head, x = PerInstrumentHead(6, 11, "mean_max", hidden, 0.3).eval(), embeddings()
    grouped = [layer for layer in head.layers if isinstance(layer, GroupedLinear)]
    columns = []
    for instrument in range(11):
        network = nn.Sequential()
        for place, layer in enumerate(grouped):
            linear = nn.Linear(layer.weight.shape[2], layer.weight.shape[1])
            linear.weight.data, linear.bias.data = layer.weight.data[instrument], layer.bias.data[instrument]
            network.extend([linear] if place == len(grouped) - 1 else [linear, nn.ReLU()])
        columns.append(network(pool_steps(x, "mean_max")))
    torch.testing.assert_close(head(x).logits, torch.cat(columns, dim=1))


def test_a_network_an_instrument_moves_only_its_own_weights():
    torch.manual_seed(0)
    head = PerInstrumentHead(6, 11, "mean", [5], 0.0)
    head(embeddings()).logits[:, 3].sum().backward()
    for weights in head.parameters():
        assert weights.grad is not None
        assert [instrument for instrument in range(11) if weights.grad[instrument].any()] == [3]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("params", [DEEP, PER_INSTRUMENT], ids=["deep", "own"])
@pytest.mark.parametrize("spectra", [True, False], ids=["spectra", "waveforms"])
def test_a_head_is_trained_saved_and_loaded_on_every_kind_of_backbone(params: HeadParams, spectra: bool, tmp_path):
    parts = Parts(head=params) if spectra else Parts(RAW.frontend, RAW.backbone, params)
    model = parts.build()
    history = fit(tiny_run(model, augment=STILL), timbre_data(18, 1), timbre_data(12, 2), tmp_path / "fit")
    assert history.rows[-1]["train_loss"] < history.rows[0]["train_loss"]
    save_model(tmp_path / "model", history.best_weights, parts.card())
    loaded, card = load_model(tmp_path / "model")
    assert card.head == params
    for name, weights in loaded.state_dict().items():
        assert torch.equal(weights, history.best_weights[name]), name
