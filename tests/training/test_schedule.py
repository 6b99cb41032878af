"""Optimiser, schedules, averaged weights, frozen epochs: each does what params.yaml says, and is off by default."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from model_fixtures import RAW, RECIPE, STILL, Parts, timbre_data, tiny_model, tiny_run
from torch import nn

from instrumentarium.models.backbones.base import Backbone
from instrumentarium.training.fit import fit
from instrumentarium.training.recorder import History
from instrumentarium.training.schedule import (
    LayerDecayError,
    averaged_model,
    build_optimizer,
    build_schedule,
    depth_factors,
)
from instrumentarium.training.task import RecognitionTask

pytestmark = pytest.mark.filterwarnings("ignore")

TRAIN, VALIDATION = timbre_data(18, seed=1), timbre_data(12, seed=2)


def quick_fit(folder: Path, model: nn.Module | None = None, epochs: int = 3, **training: object) -> History:
    recipe = RECIPE.model_copy(update={"epochs": epochs})
    return fit(tiny_run(model, recipe, STILL, **training), TRAIN, VALIDATION, folder)


def noted(monkeypatch: pytest.MonkeyPatch, what: Callable[[RecognitionTask], Any]) -> list[Any]:
    """Return a list that gets `what` of the task before each optimiser step."""
    found: list[Any] = []
    monkeypatch.setattr(RecognitionTask, "on_before_optimizer_step", lambda task, *args: found.append(what(task)))
    return found


def test_by_default_all_weights_are_one_group():
    optimizer = build_optimizer(tiny_model(), 0.01, 0.1)
    assert len(optimizer.param_groups) == 1
    assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["weight_decay"]) == (0.01, 0.1)


@pytest.mark.parametrize("parts", [Parts(), RAW], ids=["spectra", "waveforms"])
def test_norms_and_biases_can_go_without_decay(parts: Parts):
    model = parts.build()
    optimizer = build_optimizer(model, 0.01, 0.1, decay_norms=False)
    decay_of = {id(each): group["weight_decay"] for group in optimizer.param_groups for each in group["params"]}
    assert len(decay_of) == sum(1 for _ in model.parameters())
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    exempt = {id(each) for norm in norms for each in norm.parameters()}
    exempt |= {id(each) for name, each in model.named_parameters() if name.endswith("bias")}
    assert norms
    for each in model.parameters():
        assert decay_of[id(each)] == (0 if id(each) in exempt else 0.1)


def test_learning_rates_fall_from_the_head_to_the_stem():
    model = tiny_model()  # a stem and one block
    factors = depth_factors(model, 0.5)
    assert {factor for name, factor in factors.items() if name.startswith("head.")} == {1.0}
    assert {factor for name, factor in factors.items() if name.startswith("backbone.blocks.0.")} == {0.5}
    assert {factor for name, factor in factors.items() if name.startswith("backbone.stem.")} == {0.25}
    optimizer = build_optimizer(model, 0.01, 0.1, layer_decay=0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.0025, 0.005, 0.01]


def test_learning_rates_by_depth_need_blocks(monkeypatch: pytest.MonkeyPatch):
    model = tiny_model()
    monkeypatch.setattr(type(model.backbone), "blocks_in_order", Backbone.blocks_in_order)
    with pytest.raises(LayerDecayError, match=r"training\.layer_decay is 0\.5, and Cnn does not say in what order"):
        build_optimizer(model, 0.01, 0.1, layer_decay=0.5)


def rates(kind: str, steps: int, warmup_ratio: float) -> list[float]:
    optimizer = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = build_schedule(kind, optimizer, steps, warmup_ratio)
    assert schedule is not None
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize("kind", ["cosine", "one_cycle"])
@pytest.mark.parametrize("steps", [1, 2, 3, 5, 40])
@pytest.mark.parametrize("warmup_ratio", [0.0, 0.1, 0.9])
def test_no_run_is_too_short_for_a_schedule(kind: str, steps: int, warmup_ratio: float):
    assert all(0 <= rate <= 0.1 + 1e-9 for rate in rates(kind, steps, warmup_ratio))


def test_one_cycle_rises_over_its_share_and_falls_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def group(task: RecognitionTask) -> tuple[float, float]:
        first = task.optimizers().param_groups[0]  # type: ignore[union-attr]
        return first["lr"], first["betas"][0]

    found = noted(monkeypatch, group)
    quick_fit(tmp_path, epochs=4, schedule="one_cycle", warmup_ratio=0.4)
    rate, momentum = zip(*found, strict=True)
    peak = rate.index(max(rate))
    assert peak == 7  # the eighth of 20 steps
    assert rate[0] == pytest.approx(RECIPE.learning_rate / 25)
    assert max(rate) == pytest.approx(RECIPE.learning_rate)
    assert list(rate) == [*sorted(rate[:peak]), *sorted(rate[peak:], reverse=True)]
    assert rate[-1] < 0.001 * RECIPE.learning_rate
    assert momentum.index(min(momentum)) == peak


def test_accumulated_batches_make_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    steps = noted(monkeypatch, lambda task: task.optimizers().param_groups[0]["lr"])
    quick_fit(tmp_path / "apart")
    assert len(steps) == 15
    steps.clear()
    quick_fit(tmp_path / "together", accumulate=2)
    assert len(steps) == 9  # of five batches, the last makes a step of its own
    assert steps[-1] < 0.1 * max(steps)  # the schedule counts steps


def test_accumulated_gradients_are_the_mean_of_the_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    gradients = noted(monkeypatch, lambda task: task.model.head.linear.weight.grad.clone())
    model = Parts().build()
    model.head.dropout.p = 0.0
    model.backbone.eval()
    frozen = {"freeze_epochs": 1, "negatives_share": 0.0}  # else statistics of the norms would tell batches apart
    start = {name: weights.clone() for name, weights in model.state_dict().items()}
    quick_fit(tmp_path / "together", model, epochs=1, accumulate=5, **frozen)
    (together,) = gradients
    gradients.clear()
    model.load_state_dict(start)

    def no_step(task: RecognitionTask, epoch: int, number: int, optimizer: object, closure: Callable[[], Any]) -> None:
        closure()
        gradients.append(task.model.head.linear.weight.grad.clone())

    monkeypatch.setattr(RecognitionTask, "optimizer_step", no_step)
    quick_fit(tmp_path / "apart", model, epochs=1, **frozen)
    assert len(gradients) == 5
    torch.testing.assert_close(together, torch.stack(gradients).mean(dim=0))


def test_averaged_weights_follow_the_trained_ones():
    model = tiny_model()
    averaged = averaged_model(model, 0.9)
    expected = None
    for step in range(200):
        with torch.no_grad():
            for weights in model.parameters():
                weights.add_(0.1)
        averaged.update_parameters(model)
        current = model.head.linear.weight.detach().clone()
        decay = min(0.9, (1 + step) / (10 + step))
        expected = current if expected is None else decay * expected + (1 - decay) * current
    torch.testing.assert_close(averaged.module.head.linear.weight, expected, rtol=1e-4, atol=1e-4)


def test_the_averaged_weights_are_validated_and_kept(tmp_path: Path):
    run = tiny_run(recipe=RECIPE.model_copy(update={"epochs": 1}), augment=STILL, ema_decay=0.9)
    history = fit(run, TRAIN, VALIDATION, tmp_path / "averaged")
    trained = {name: weights.cpu() for name, weights in run.model.state_dict().items()}
    assert not torch.equal(history.best_weights["head.linear.weight"], trained["head.linear.weight"])
    assert set(history.best_weights) == set(trained)
    # averaging changes what is kept, not what is learned
    plain = quick_fit(tmp_path / "plain", epochs=1)
    assert torch.equal(plain.best_weights["head.linear.weight"], trained["head.linear.weight"])
    assert plain.rows[0]["train_loss"] == history.rows[0]["train_loss"]
    assert plain.rows[0]["validation_loss"] != history.rows[0]["validation_loss"]


def test_the_backbone_stays_as_it_is_in_the_first_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def state(task: RecognitionTask) -> tuple[bytes, bytes]:
        parts = task.model.backbone.state_dict(), task.model.head.state_dict()
        return tuple(torch.cat([each.flatten().float() for each in part.values()]).numpy().tobytes() for part in parts)  # type: ignore[return-value]

    found = noted(monkeypatch, state)
    quick_fit(tmp_path, freeze_epochs=2)
    backbone, head = zip(*found, strict=True)
    assert len(set(backbone[:10])) == 1
    assert len(set(backbone[9:])) == 6
    assert not any(one == other for one, other in itertools.pairwise(head))
