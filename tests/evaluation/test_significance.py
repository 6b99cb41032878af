import itertools

import numpy as np
import pytest
from comparing.simulated import Songs, songs
from scored_fixtures import scored_clips

from instrumentarium.evaluation import metrics as m
from instrumentarium.evaluation import ranking as r
from instrumentarium.evaluation.calibration import ece_mean
from instrumentarium.evaluation.catalogue import MACRO
from instrumentarium.evaluation.significance import (
    Answers,
    draw_swaps,
    exchanged_differences,
    holm,
    p_values,
    paired_differences,
    score_ranks,
)

FEW = {"resamples": 200, "permutations": 199, "seed": 3}


def p_of(a: Answers, b: Answers, permutations: int, seed: int) -> dict[str, np.ndarray]:
    """Return the p-values alone, without intervals."""
    everything = np.zeros((1, len(a.scored.recordings)), dtype=bool)
    found = {name: values[0] for name, values in exchanged_differences(a, b, everything).items()}
    return p_values(found, exchanged_differences(a, b, draw_swaps(a.scored.recordings, permutations, seed)))


def test_a_system_does_not_differ_from_itself() -> None:
    drawn = songs(12, 3, seen=0.8)
    answers = drawn.answered(1)
    found = paired_differences(answers, answers, **FEW)
    for name in found.a:
        defined = ~np.isnan(found.a[name])
        np.testing.assert_array_equal(found.difference(name)[defined], 0)
        if name == "ece_mean":  # whose interval allows for the chance in either error
            assert found.low[name] <= 0 <= found.high[name]
        else:
            np.testing.assert_array_equal(found.low[name][defined], 0)
            np.testing.assert_array_equal(found.high[name][defined], 0)
        np.testing.assert_array_equal(found.p[name][defined], 1)


def test_exchanging_the_sides_negates_every_difference_and_keeps_every_p() -> None:
    drawn = songs(15, 3, seen=0.8)
    a, b = drawn.answered(1), drawn.answered(2, skill=1.5)
    one, other = paired_differences(a, b, **FEW), paired_differences(b, a, **FEW)
    for name in one.a:
        np.testing.assert_allclose(one.difference(name), -other.difference(name), atol=1e-12)
        np.testing.assert_allclose(one.low[name], -other.high[name], atol=1e-12)
        np.testing.assert_array_equal(one.p[name], other.p[name])


def test_values_are_those_of_the_evaluation() -> None:
    drawn = songs(15, 3, seen=0.8)
    a, b = drawn.answered(1), drawn.answered(2)
    found = paired_differences(a, b, **FEW)
    truth = b.scored.targets, b.predictions, b.scored.observed
    graded = b.scored.targets, b.scored.scores, b.scored.observed
    for name, expected in {
        "f1_macro": m.f1_macro(*truth),
        "f1_micro": m.f1_micro(*truth),
        "f1_samples": m.f1_samples(*truth),
        "hamming": m.hamming(*truth),
        "map_macro": r.map_macro(*graded),
        "lrap": r.lrap(*graded),
        "brier": r.brier(*graded),
        "ece_mean": ece_mean(*graded),
        "f1": m.f1_per_instrument(*truth),
        "ap": r.ap_per_instrument(*graded),
        "auroc": r.auroc_per_instrument(*graded),
    }.items():
        np.testing.assert_allclose(found.b[name], expected, rtol=1e-12, err_msg=name)


def exchanged_by_hand(a: Answers, b: Answers, swapped: np.ndarray) -> dict[str, np.ndarray]:
    """Exchange the answers in copies of the arrays, and measure with the evaluation's metrics."""
    rows = swapped[:, None]
    values = []
    for one, other in ((a, b), (b, a)):
        predictions = np.where(rows, other.predictions, one.predictions)
        truth = one.scored.targets, predictions, one.scored.observed
        scores = np.where(rows, other.scored.scores, one.scored.scores)
        ranks = np.where(rows, score_ranks(other.scored), score_ranks(one.scored))
        targets, observed = one.scored.targets, one.scored.observed
        values.append(
            {
                "f1_macro": m.f1_macro(*truth),
                "f1_micro": m.f1_micro(*truth),
                "exact_match": m.exact_match(*truth),
                "lrap": r.lrap(targets, scores, observed),
                "coverage_error": r.coverage_error(targets, scores, observed),
                "brier": r.brier(targets, scores, observed),
                "ece_mean": ece_mean(targets, scores, observed),
                "map_macro": r.map_macro(targets, ranks, observed),
                "auroc_macro": r.auroc_macro(targets, ranks, observed),
                "f1": m.f1_per_instrument(*truth),
                "ap": r.ap_per_instrument(targets, ranks, observed),
            }
        )
    return {name: values[1][name] - values[0][name] for name in values[0]}


def test_exchanging_by_weights_is_exchanging_the_arrays() -> None:
    drawn = songs(8, 3, seen=0.8)
    a, b = drawn.answered(1, decimals=1), drawn.answered(2, decimals=1)
    swapped = draw_swaps(drawn.recordings, 20, seed=5)
    found = exchanged_differences(a, b, swapped)
    for row, each in enumerate(swapped):
        for name, expected in exchanged_by_hand(a, b, each).items():
            np.testing.assert_allclose(found[name][row], expected, atol=1e-12, err_msg=name)


def test_p_approaches_the_exact_enumeration() -> None:
    drawn = songs(6, 2, seed=1)
    a, b = drawn.answered(1), drawn.answered(2, skill=1.6)
    coins = np.array(list(itertools.product([False, True], repeat=6)))  # all 64 exchanges
    exact = [exchanged_by_hand(a, b, np.repeat(row, 2)) for row in coins]
    found = p_of(a, b, 20_000, seed=0)
    for name in exact[0]:
        values = np.array([each[name] for each in exact])
        expected = (np.abs(values) >= np.abs(values[0]) - 1e-10).mean(axis=0)
        np.testing.assert_allclose(found[name], expected, atol=0.015, err_msg=name)


def test_exchanges_take_whole_recordings_by_fair_coins() -> None:
    recordings = np.array(["b", "a", "b", "c", "a"])
    swapped = draw_swaps(recordings, 4000, seed=0)
    np.testing.assert_array_equal(swapped[:, 0], swapped[:, 2])
    np.testing.assert_array_equal(swapped[:, 1], swapped[:, 4])
    assert abs(swapped.mean() - 0.5) < 0.03
    assert abs((swapped[:, 0] == swapped[:, 1]).mean() - 0.5) < 0.03
    np.testing.assert_array_equal(swapped, draw_swaps(recordings, 4000, seed=0))


def test_a_planted_difference_is_found_and_its_interval_holds_it() -> None:
    drawn = songs(80, 4)
    a, b = drawn.answered(1, skill=0.8), drawn.answered(2, skill=1.6)
    found = paired_differences(a, b, **FEW)
    for name in ("f1_macro", "map_macro", "auroc_macro", "lrap"):
        assert found.low[name] > 0, name
        assert found.p[name] <= 0.01, name
    assert found.high["brier"] < 0
    assert all((found.low[name] <= found.difference(name)).all() for name in MACRO)


def simulated_p(drawn: Songs, recordings: np.ndarray, simulations: int) -> dict[str, np.ndarray]:
    """Return p-values of systems that are equally good, one a simulation, exchanging `recordings`."""
    found = []
    for simulation in range(simulations):
        a, b = (drawn.answered(2 * simulation + side) for side in (0, 1))
        regrouped = [
            Answers(
                scored_clips(x.scored.targets, x.scored.observed, x.scored.scores, recordings),
                x.predictions,
            )
            for x in (a, b)
        ]
        found.append(p_of(*regrouped, 99, seed=simulation))
    return {name: np.array([each[name] for each in found]) for name in ("f1_macro", "map_macro", "brier")}


def test_equal_systems_differ_as_often_as_p_says() -> None:
    drawn = songs(20, 4)
    for name, p in simulated_p(drawn, drawn.recordings, 300).items():
        assert 4 <= (p <= 0.05).sum() <= 28, name  # 15 expected, standard deviation 3.8
        grid = np.arange(1, 101) / 100
        share = (p[:, None] <= grid + 1e-9).mean(axis=0)
        assert np.abs(share - grid).max() < 0.094, name  # Kolmogorov and Smirnov, 1 %


def test_exchanging_clips_instead_would_raise_false_alarms() -> None:
    drawn = songs(20, 4)
    p = simulated_p(drawn, np.arange(80).astype(str), 100)
    assert (p["brier"] <= 0.05).mean() > 0.2


def test_a_system_and_its_scores_on_another_scale_rank_alike() -> None:
    drawn = songs(12, 3)
    a = drawn.answered(1)
    squeezed = Answers(scored_clips(drawn.targets, drawn.observed, a.scored.scores**3, drawn.recordings), a.predictions)
    np.testing.assert_array_equal(score_ranks(a.scored), score_ranks(squeezed.scored))
    found = exchanged_differences(a, squeezed, draw_swaps(drawn.recordings, 50, seed=0))
    for name in ("ap", "auroc", "map_macro", "auroc_macro"):
        np.testing.assert_allclose(found[name], 0, atol=1e-12, err_msg=name)


def test_ranks_share_ties_and_skip_what_is_unobserved() -> None:
    scores = np.array([[0.2], [0.9], [0.2], [0.5], [0.7]])
    observed = np.array([[True], [True], [True], [False], [True]])
    split = scored_clips(observed & False, observed, scores, np.arange(5).astype(str))
    np.testing.assert_allclose(score_ranks(split)[:, 0], [0.5 / 3, 1, 0.5 / 3, 0, 2 / 3])


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [  # statsmodels.stats.multitest.multipletests(p, method="holm"), checked by hand
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.01, 0.01, 0.01], [0.03, 0.03, 0.03]),
        ([0.9, 0.5], [1.0, 1.0]),
        ([0.001], [0.001]),
        ([0.02, np.nan, 0.01], [0.02, np.nan, 0.02]),
        ([np.nan], [np.nan]),
        ([], []),
    ],
)
def test_holm_gives_known_values(p: list[float], adjusted: list[float]) -> None:
    np.testing.assert_allclose(holm(np.array(p)), adjusted)


def test_an_instrument_without_positives_is_undefined_not_equal() -> None:
    drawn = songs(10, 2)
    drawn.targets[:, 0] = False
    found = paired_differences(drawn.answered(1), drawn.answered(2), **FEW)
    for measure in MACRO:
        assert np.isnan([found.a[measure][0], found.p[measure][0], found.low[measure][0]]).all()
        assert not np.isnan(found.p[measure][1:]).any()


def test_the_same_seed_gives_the_same_and_another_gives_another() -> None:
    drawn = songs(10, 2)
    a, b = drawn.answered(1), drawn.answered(2)
    one, again = paired_differences(a, b, **FEW), paired_differences(a, b, **FEW)
    other = paired_differences(a, b, **{**FEW, "seed": 4})
    assert one.p["brier"] == again.p["brier"]
    assert (one.low["brier"], one.high["brier"]) == (again.low["brier"], again.high["brier"])
    assert one.low["brier"] != other.low["brier"]


def test_other_clips_are_refused() -> None:
    with pytest.raises(ValueError, match="recordings of the two sides differ"):
        paired_differences(songs(4, 2).answered(1), songs(5, 2).answered(1), **FEW)
