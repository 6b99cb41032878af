import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import log_loss

from instrumentarium.models.heads.base import HeadOutput
from instrumentarium.training.objectives.cross_entropy import MaskedBinaryCrossEntropy


def draw(seed: int, batch: int = 9, observed_share: float = 1.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(batch, 11, generator=generator)
    targets = (torch.rand(batch, 11, generator=generator) < 0.3).float()
    observed = (torch.rand(batch, 11, generator=generator) < observed_share).float()
    return logits, targets, observed


def bce(logits: torch.Tensor, targets: torch.Tensor, observed: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    """Return the objective's only term."""
    output = HeadOutput(logits, embedding=torch.zeros(len(logits), 1))
    terms = MaskedBinaryCrossEntropy(smoothing)(output, targets, observed)
    assert list(terms) == ["bce"]
    return terms["bce"]


def test_it_equals_torch_where_everything_is_observed():
    logits, targets, observed = draw(0)
    expected = F.binary_cross_entropy_with_logits(logits, targets)
    torch.testing.assert_close(bce(logits, targets, observed), expected)


def test_it_equals_scikit_learn_over_the_observed_pairs():
    logits, targets, observed = draw(1, observed_share=0.3)
    seen = observed.bool()
    expected = log_loss(targets[seen].numpy(), logits[seen].sigmoid().double().numpy(), labels=[0, 1])
    assert float(bce(logits, targets, observed)) == pytest.approx(expected, rel=1e-5)


def test_unobserved_pairs_have_no_gradient_and_no_say():
    logits, targets, observed = draw(2, observed_share=0.5)
    logits.requires_grad_()
    bce(logits, targets, observed, 0.05).backward()
    assert logits.grad is not None
    assert (logits.grad[observed == 0] == 0).all()
    assert (logits.grad[observed == 1] != 0).all()
    contrary = torch.where(observed == 1, targets, 1 - targets)
    shaken = torch.where(observed == 1, logits, -17 * logits)
    assert bce(shaken, contrary, observed, 0.05) == bce(logits, targets, observed, 0.05)


def test_a_batch_without_an_observed_pair_has_loss_0_and_a_gradient_of_0():
    logits, targets, _ = draw(3)
    logits.requires_grad_()
    loss = bce(logits, targets, torch.zeros_like(targets))
    loss.backward()
    assert loss == 0
    assert logits.grad is not None
    assert (logits.grad == 0).all()


def test_it_falls_as_the_truth_gets_likelier():
    _, targets, observed = draw(4)
    falling = [float(bce(confidence * (2 * targets - 1), targets, observed)) for confidence in (-2, 0, 2, 8)]
    assert falling == sorted(falling, reverse=True)
    assert falling[1] == pytest.approx(np.log(2))


def test_a_hard_negative_weighs_in_full():
    loss = bce(torch.tensor([[6.0]]), torch.zeros(1, 1), torch.ones(1, 1))
    assert float(loss) == pytest.approx(6.0025, abs=1e-4)


def test_smoothing_pulls_targets_towards_a_half():
    logits, targets, observed = draw(5)
    expected = F.binary_cross_entropy_with_logits(logits, torch.where(targets == 1, 0.95, 0.05))
    torch.testing.assert_close(bce(logits, targets, observed, 0.1), expected)


def test_half_precision_logits_are_judged_in_float32():
    logits, targets, observed = draw(6)
    loss = bce(logits.bfloat16(), targets, observed)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, F.binary_cross_entropy_with_logits(logits.bfloat16().float(), targets))
