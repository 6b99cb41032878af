import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from estimates import estimates
from model_fixtures import FAMILIES, LABELS, RECIPE, STILL, timbre_data, tiny_model, tiny_run
from pytorch_metric_learning.losses import SupConLoss
from sklearn.metrics import log_loss
from torchvision.ops import sigmoid_focal_loss

from instrumentarium.config.whole import load_params
from instrumentarium.models.heads.base import HeadOutput
from instrumentarium.runtime.section import ParamsError, validate
from instrumentarium.training.fit import fit
from instrumentarium.training.objectives.asymmetric import AsymmetricLoss
from instrumentarium.training.objectives.base import Objective, TrainingLabels
from instrumentarium.training.objectives.build import build_objective
from instrumentarium.training.objectives.cross_entropy import MaskedBinaryCrossEntropy, balanced_weights
from instrumentarium.training.objectives.family import FamilyCrossEntropy, FamilyError, family_labels, family_members
from instrumentarium.training.objectives.focal import FocalLoss
from instrumentarium.training.objectives.metric_learning import ContrastiveLoss, TripletLoss, clip_pairs
from instrumentarium.training.objectives.params import LOSS, CrossEntropyParams, LossParams, SumParams
from instrumentarium.training.objectives.proxies import ArcFaceObjective, CentreObjective, present_pairs
from instrumentarium.training.recorder import TERM
from instrumentarium.training.task import TrainingRun


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


def test_a_weight_of_present_instruments_is_that_of_torch():
    logits, targets, observed = draw(7)
    weights = torch.linspace(0.5, 5, 11)
    output = HeadOutput(logits, embedding=torch.zeros(len(logits), 1))
    loss = MaskedBinaryCrossEntropy(pos_weight=weights.tolist())(output, targets, observed)["bce"]
    torch.testing.assert_close(loss, F.binary_cross_entropy_with_logits(logits, targets, pos_weight=weights))


def test_balanced_weights_are_the_ratios_of_the_training_clips():
    labels = TrainingLabels(("", "", ""), positives=(10, 0, 5), negatives=(30, 7, 0))
    assert balanced_weights(labels) == [3, 1, 1]
    params = CrossEntropyParams(kind="bce", label_smoothing=0.0, pos_weight="balanced")
    objective = build_objective(params, labels, 6)
    assert isinstance(objective, MaskedBinaryCrossEntropy)
    assert objective.pos_weight is not None
    assert objective.pos_weight.tolist() == [3, 1, 1]


EVERY: dict[str, LossParams] = load_params(Path(__file__).resolve().parents[2] / "params.yaml").losses
ALL = pytest.mark.parametrize("name", sorted(EVERY))


def loss_of(name: str, logits: torch.Tensor, targets: torch.Tensor, observed: torch.Tensor) -> torch.Tensor:
    """Return the sum of an entry's terms; the embedding is a part of the logits, what the objective learns untrained."""
    torch.manual_seed(0)
    terms = build_objective(EVERY[name], LABELS, 6)(HeadOutput(logits, logits[:, :6]), targets, observed)
    return torch.stack(list(terms.values())).sum()


def test_every_kind_has_an_entry():
    kinds = {params.kind for params in EVERY.values()}
    terms = {
        term.loss.kind for params in EVERY.values() if isinstance(params, SumParams) for term in params.terms.values()
    }
    assert kinds == {"bce", "focal", "asymmetric", "sum"}
    assert terms == {"bce", "family", "contrastive", "triplet", "arcface", "centre"}


@ALL
def test_no_loss_looks_at_unobserved_targets(name: str):
    logits, targets, observed = draw(8, observed_share=0.5)
    contrary = torch.where(observed == 1, targets, 1 - targets)
    assert loss_of(name, logits, contrary, observed) == loss_of(name, logits, targets, observed)


@ALL
def test_a_batch_of_which_nothing_is_known_has_loss_0_and_a_gradient_of_0(name: str):
    logits, targets, _ = draw(3)
    logits.requires_grad_()
    loss = loss_of(name, logits, targets, torch.zeros_like(targets))
    loss.backward()
    assert loss == 0
    assert logits.grad is not None
    assert (logits.grad == 0).all()


@ALL
def test_a_step_against_the_gradient_lowers_every_loss(name: str):
    logits, targets, observed = draw(9, observed_share=0.7)
    logits.requires_grad_()
    before = loss_of(name, logits, targets, observed)
    before.backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    after = loss_of(name, (logits - 0.1 * logits.grad).detach(), targets, observed)
    assert 0 < after < before


@ALL
def test_no_loss_or_gradient_rests_on_a_processor_s_estimates(name: str):
    logits, targets, observed = draw(9, observed_share=0.7)
    logits.requires_grad_()
    with estimates() as seen:
        loss_of(name, logits, targets, observed).backward()
    assert seen == ({"acos of torch.float32"} if name == "bce_arcface" else set())  # pytorch-metric-learning's angles


@ALL
def test_every_loss_is_taken_in_float32(name: str):
    logits, targets, observed = draw(6)
    half = loss_of(name, logits.bfloat16(), targets, observed)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, loss_of(name, logits.bfloat16().float(), targets, observed))


@pytest.mark.parametrize("alpha", [None, 0.25, 0.9])
@pytest.mark.parametrize("gamma", [0.0, 2.0, 3.5])
def test_the_focal_loss_equals_torchvisions(gamma: float, alpha: float | None):
    logits, targets, observed = draw(10)
    expected = sigmoid_focal_loss(logits, targets, alpha=-1 if alpha is None else alpha, gamma=gamma, reduction="mean")
    output = HeadOutput(logits, logits)
    torch.testing.assert_close(FocalLoss(gamma, alpha)(output, targets, observed)["focal"], expected)
    seen = draw(10, observed_share=0.4)[2]
    each = sigmoid_focal_loss(logits, targets, alpha=-1 if alpha is None else alpha, gamma=gamma, reduction="none")
    torch.testing.assert_close(FocalLoss(gamma, alpha)(output, targets, seen)["focal"], each[seen == 1].mean())


def one_pair(objective: Objective, logit: float, target: float) -> float:
    terms = objective(
        HeadOutput(torch.tensor([[logit]]), torch.zeros(1, 1)), torch.tensor([[target]]), torch.ones(1, 1)
    )
    return float(next(iter(terms.values())))


def test_a_hard_negative_weighs_in_full_in_the_focal_loss():
    assert one_pair(FocalLoss(2.0), 6.0, 0.0) == pytest.approx(5.97, abs=0.005)
    assert one_pair(FocalLoss(2.0), -6.0, 0.0) == pytest.approx(1.5e-8, rel=0.02)


@pytest.mark.parametrize("logit", [-7.0, -2.0, 0.0, 3.0, 8.0])
def test_the_asymmetric_loss_is_the_papers(logit: float):
    p = 1 / (1 + np.exp(-logit))
    shifted = max(p - 0.05, 0)
    objective = AsymmetricLoss(1.0, 4.0, 0.05)
    assert one_pair(objective, logit, 1.0) == pytest.approx(-(1 - p) * np.log(p), rel=1e-4)
    assert one_pair(objective, logit, 0.0) == pytest.approx(-(shifted**4) * np.log(1 - shifted), rel=1e-3, abs=1e-9)


def test_the_asymmetric_loss_without_exponents_and_margin_is_cross_entropy():
    logits, targets, observed = draw(11, observed_share=0.6)
    loss = AsymmetricLoss(0.0, 0.0, 0.0)(HeadOutput(logits, logits), targets, observed)["asymmetric"]
    torch.testing.assert_close(loss, bce(logits, targets, observed))


def test_families_are_those_of_several_instruments():
    assert family_members(("a", "b", "", "a", "")).tolist() == [[True, False, False, True, False]]
    with pytest.raises(
        FamilyError, match="no family has several instruments; the taxonomy's 3 instruments are of a, b;"
    ):
        family_members(("a", "b", ""))


def test_a_family_plays_where_a_member_does_and_is_silent_where_all_are_known_to_be():
    members = family_members(("a", "a", "b"))
    cases = {  # targets and observed of both members: present, known
        ((1, 0), (1, 0)): (True, True),
        ((1, 0), (1, 1)): (True, True),
        ((0, 0), (1, 1)): (False, True),
        ((0, 0), (1, 0)): (False, False),
        ((0, 1), (1, 0)): (False, False),  # an unobserved target says nothing
        ((0, 0), (0, 0)): (False, False),
    }
    for (targets, observed), expected in cases.items():
        rows = torch.tensor([[*targets, 1]]).float(), torch.tensor([[*observed, 1]]).float()
        assert tuple(bool(each[0, 0]) for each in family_labels(*rows, members)) == expected, (targets, observed)


@pytest.mark.parametrize("pooling", ["max", "logsumexp"])
def test_a_familys_logit_is_pooled_over_its_members(pooling: str):
    logits, targets, observed = draw(12)
    loss = FamilyCrossEntropy(FAMILIES, pooling)(HeadOutput(logits, logits), targets, observed)["family"]
    expected = []
    for family in ("guitars", "keyboard", "strings", "woodwind"):
        mine = [column for column, name in enumerate(FAMILIES) if name == family]
        pooled = logits[:, mine].amax(1) if pooling == "max" else logits[:, mine].exp().sum(1).log()
        expected.append(F.binary_cross_entropy_with_logits(pooled, targets[:, mine].amax(1)))
    torch.testing.assert_close(loss, torch.stack(expected).mean())


def test_pairs_go_by_the_instruments_that_both_clips_are_known_about():
    targets = torch.tensor([[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0], [0, 0, 0]]).float()
    positive, negative = clip_pairs(targets, torch.ones_like(targets))
    pairs = {(a, b) for a, b in positive.nonzero().tolist() if a < b}
    assert pairs == {(0, 1), (0, 2), (1, 2)}  # Jaccard 1, 1/2, 1/2
    assert {(a, b) for a, b in negative.nonzero().tolist() if a < b} == {
        *((0, 3), (1, 3), (0, 4), (1, 4), (2, 4), (3, 4), (0, 5), (1, 5), (2, 5), (3, 5))
    }  # (2, 3) has 1/3, (4, 5) nothing to compare
    assert torch.equal(positive, positive.T)
    assert torch.equal(negative, negative.T)
    observed = torch.ones_like(targets)
    observed[3, 1] = 0  # what 2 and 3 share is unknown of 3
    positive, negative = clip_pairs(targets, observed)
    assert negative[2, 3]
    observed[3] = 0
    positive, negative = clip_pairs(targets, observed)
    assert not (positive | negative)[3].any()


def test_the_contrastive_loss_is_the_papers_written_as_loops():
    embeddings, targets, observed = draw(13, batch=8, observed_share=0.9)
    positive, negative = clip_pairs(targets, observed)
    z = F.normalize(embeddings, dim=1)
    losses = []
    for a in range(8):
        pool = [k for k in range(8) if positive[a, k] or negative[a, k]]
        total = sum(torch.exp(z[a] @ z[k] / 0.2) for k in pool)
        mine = [-torch.log(torch.exp(z[a] @ z[k] / 0.2) / total) for k in range(8) if positive[a, k]]
        losses += [torch.stack(mine).mean()] if mine else []
    assert len(losses) > 1
    loss = ContrastiveLoss(0.2)(HeadOutput(embeddings, embeddings), targets, observed)["contrastive"]
    torch.testing.assert_close(loss, torch.stack(losses).mean())


def test_the_triplet_loss_is_the_papers_written_as_loops_with_a_margin_for_families():
    embeddings, targets, observed = draw(14, batch=9, observed_share=0.9)
    positive, negative = clip_pairs(targets, observed)
    z, losses, margins = F.normalize(embeddings, dim=1), [], set()
    names = [{FAMILIES[i] for i in range(11) if targets[row, i] * observed[row, i]} for row in range(9)]
    for a, p, n in itertools.product(range(9), repeat=3):
        if positive[a, p] and negative[a, n]:
            margin = 0.1 if names[a] & names[n] else 0.4
            loss = float((1 - z[a] @ z[p]) - (1 - z[a] @ z[n]) + margin)
            losses += [loss] if loss > 0 else []
            margins.add(margin)
    assert margins == {0.1, 0.4}
    found = TripletLoss(FAMILIES, 0.4, 0.1)(HeadOutput(embeddings, embeddings), targets, observed)["triplet"]
    assert float(found) == pytest.approx(np.mean(losses), rel=1e-4)


@pytest.mark.parametrize(
    "objective", [ContrastiveLoss(0.1), TripletLoss(FAMILIES, 0.2, 0.1)], ids=["contrast", "triplet"]
)
def test_losses_on_embeddings_prefer_clips_that_lie_by_their_instruments(objective: Objective):
    targets = torch.eye(11)[torch.tensor([0, 0, 4, 4, 8, 8])]
    placed = torch.eye(3)[torch.tensor([0, 0, 1, 1, 2, 2])]
    mixed = torch.eye(3)[torch.tensor([0, 1, 2, 0, 1, 2])]
    good, bad = (
        float(next(iter(objective(HeadOutput(targets, each), targets, torch.ones_like(targets)).values())))
        for each in (placed, mixed)
    )
    assert good < 0.01 < bad


def test_the_contrastive_loss_equals_pytorch_metric_learnings_over_the_same_pairs():
    _, targets, observed = draw(16, batch=24, observed_share=0.8)
    embeddings = torch.randn(24, 7, generator=torch.Generator().manual_seed(1))
    positive, negative = clip_pairs(targets, observed)
    assert positive.any()
    pairs = (*positive.nonzero(as_tuple=True), *negative.nonzero(as_tuple=True))
    expected = SupConLoss(temperature=0.1)(embeddings, indices_tuple=pairs)
    ours = ContrastiveLoss(0.1)(HeadOutput(targets, embeddings), targets, observed)["contrastive"]
    torch.testing.assert_close(ours, expected)


def test_arcface_without_a_margin_is_a_softmax_over_scaled_cosines():
    _, targets, observed = draw(17, observed_share=0.8)
    embeddings = torch.randn(9, 7, generator=torch.Generator().manual_seed(2))
    objective = ArcFaceObjective(11, 7, scale=16.0, margin_degrees=0.0)
    cosines = F.normalize(embeddings) @ F.normalize(objective.loss.W, dim=0)
    clips, instruments = present_pairs(targets, observed)
    expected = F.cross_entropy(16 * cosines[clips], instruments)
    found = objective(HeadOutput(targets, embeddings), targets, observed)["arcface"]
    torch.testing.assert_close(found, expected)
    wider = ArcFaceObjective(11, 7, scale=16.0, margin_degrees=20.0)
    wider.load_state_dict(objective.state_dict())
    assert wider(HeadOutput(targets, embeddings), targets, observed)["arcface"] > found


def test_the_centre_loss_is_half_the_squared_distance_to_each_instrument_that_is_present():
    objective = CentreObjective(3, 2)
    with torch.no_grad():
        objective.centres.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    embeddings = torch.tensor([[5.0, 0.0], [0.0, 2.0]])
    targets = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    observed = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]])  # the last present one is unknown
    loss = objective(HeadOutput(targets, embeddings), targets, observed)["centre"]
    assert float(loss.detach()) == pytest.approx((0 + 0.5 * 2 + 0) / 3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["bce_arcface", "bce_centre"])
def test_what_an_objective_learns_is_trained_and_resumed_but_no_part_of_the_model(name: str, tmp_path: Path):
    data = timbre_data(18, seed=1), timbre_data(12, seed=2)

    def run_of(epochs: int) -> TrainingRun:
        torch.manual_seed(3)
        return tiny_run(tiny_model(), RECIPE.model_copy(update={"epochs": epochs}), STILL, loss=EVERY[name])

    whole = run_of(4)
    before = [weights.clone() for weights in whole.objective.parameters()]
    history = fit(whole, *data, tmp_path / "whole")
    assert before
    assert all(not torch.equal(old, new) for old, new in zip(before, whole.objective.parameters(), strict=True))
    assert set(history.best_weights) == set(tiny_model().state_dict())

    class StoppedError(Exception):
        pass

    class StopAfterTwo:
        def add(self, row: dict[str, float]) -> None:
            if row["epoch"] == 1:
                raise StoppedError

        def close(self) -> None:
            pass

    with pytest.raises(StoppedError):
        fit(run_of(4), *data, tmp_path / "resumed", [StopAfterTwo()])
    assert fit(run_of(4), *data, tmp_path / "resumed").rows == history.rows


def test_a_sum_names_and_weighs_its_terms():
    params = EVERY["bce_family"]
    assert isinstance(params, SumParams)
    logits, targets, observed = draw(15)
    output = HeadOutput(logits, logits)
    terms = build_objective(params, LABELS, output.embedding.shape[1])(output, targets, observed)
    assert list(terms) == ["bce", "family"]
    for name, term in params.terms.items():
        alone = build_objective(term.loss, LABELS, output.embedding.shape[1])(output, targets, observed)
        torch.testing.assert_close(terms[name], term.weight * next(iter(alone.values())))


def test_a_sum_that_leaves_logits_untrained_is_refused():
    term = {"weight": 1.0, "loss": {"kind": "contrastive", "temperature": 0.1}}
    with pytest.raises(ParamsError, match="a sum needs a term of kind bce, focal or asymmetric"):
        validate({"kind": "sum", "terms": {"contrastive": term}}, LOSS)


@pytest.mark.filterwarnings("ignore")
@ALL
def test_every_entry_trains_and_its_terms_are_noted(name: str, tmp_path: Path):
    run = tiny_run(augment=STILL, loss=EVERY[name])
    rows = fit(run, timbre_data(18, seed=1), timbre_data(12, seed=2), tmp_path).rows
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]
    params = EVERY[name]
    noted = {key.removeprefix(TERM) for key in rows[0] if key.startswith(TERM)}
    assert noted == (set(params.terms) if isinstance(params, SumParams) else set())
    for row in rows if noted else []:
        assert sum(row[f"{TERM}{term}"] for term in noted) == pytest.approx(row["train_loss"], rel=1e-5)


@pytest.mark.parametrize(
    "objective", [FocalLoss(0.5, 0.3), AsymmetricLoss(0.5, 0.5, 0.05)], ids=["focal", "asymmetric"]
)
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_certain_scores_have_finite_gradients_whatever_the_exponent(objective: Objective, target: float):
    logits = torch.tensor([[-200.0, -20.0, 0.0, 20.0, 200.0]], requires_grad=True)
    terms = objective(HeadOutput(logits, logits), torch.full_like(logits, target), torch.ones_like(logits))
    next(iter(terms.values())).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
