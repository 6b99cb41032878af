import itertools

import numpy as np
import pytest
from skmultilearn.model_selection.measures import label_combination_distribution

from instrumentarium.splitting.distribution import balance, label_distribution, label_pair_distribution

POSITIVES = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]], dtype=bool)  # odds 3/1, 2/2, 0; of the pair, 2/2
PART = np.array([True, False, False, True])  # odds 1/1, 1/1, 0; of the pair, 1/1
OTHER = ~PART  # odds 2/(none without: 1), 1/1, 0; of the pair, 1/1


def test_the_measures_by_hand():
    assert label_distribution(POSITIVES, PART) == pytest.approx((2 + 0 + 0) / 3)
    assert label_distribution(POSITIVES, OTHER) == pytest.approx((1 + 0 + 0) / 3)
    assert label_pair_distribution(POSITIVES, PART) == 0  # one pair of three occurs
    found = balance(POSITIVES, PART.astype(np.int64), [0.6, 0.4])
    assert found.ld == pytest.approx((1 / 3, 2 / 3))
    assert found.lpd == (0, 0)
    assert found.prevalence_gap == pytest.approx(0.5)
    assert found.fold_size_gap == pytest.approx(0.1 / 0.4)


def test_pairs_count_where_labels_alone_are_even():
    positives = np.array([[1, 1], [0, 0], [1, 0], [0, 1]], dtype=bool)
    part = np.array([True, True, False, False])
    assert label_distribution(positives, part) == 0
    assert label_pair_distribution(positives, part) == pytest.approx(1 / 1 - 1 / 3)
    assert label_pair_distribution(positives, ~part) == pytest.approx(1 / 3)


def test_the_whole_is_no_distance_from_itself():
    everything = np.ones(4, dtype=bool)
    assert label_distribution(POSITIVES, everything) == label_pair_distribution(POSITIVES, everything) == 0
    twice = np.repeat(POSITIVES, 2, axis=0)
    found = balance(twice, np.tile([0, 1], 4).astype(np.int64), [0.5, 0.5])
    assert (found.ld, found.lpd) == ((0, 0), (0, 0))
    assert found.prevalence_gap == found.fold_size_gap == 0


def test_where_no_pair_occurs_there_is_no_distance():
    assert label_pair_distribution(np.eye(3, dtype=bool), np.array([True, False, False])) == 0


def test_a_part_that_should_be_empty_is_measured_against_all():
    found = balance(POSITIVES, np.array([0, 1, 1, 1]), [0.0, 1.0])
    assert found.fold_size_gap == pytest.approx(0.25)


@pytest.mark.parametrize("seed", range(3))
def test_the_measures_are_those_of_a_brute_force_loop(seed: int):
    rng = np.random.default_rng(seed)
    positives, part = rng.random((80, 6)) < 0.3, rng.random(80) < 0.4
    apart = []
    for i, j in itertools.combinations(range(6), 2):
        inside = sum(bool(row[i] and row[j]) for row in positives[part])
        whole = sum(bool(row[i] and row[j]) for row in positives)
        apart.append(abs(inside / (part.sum() - inside) - whole / (80 - whole)))
    assert label_pair_distribution(positives, part) == pytest.approx(np.mean(apart))


@pytest.mark.parametrize("seed", range(3))
def test_the_measures_agree_with_scikit_multilearn(seed: int):
    # its order 2 means pairs with replacement: the labels themselves, then the pairs of different ones
    rng = np.random.default_rng(seed)
    positives, part_of = rng.random((90, 7)) < 0.3, rng.integers(3, size=90)
    folds = [np.flatnonzero(part_of == part).tolist() for part in range(3)]
    found = balance(positives, part_of, [1 / 3] * 3)
    ld, lpd = np.mean(found.ld), np.mean(found.lpd)
    assert ld == pytest.approx(label_combination_distribution(positives.astype(int), folds, 1))
    both = label_combination_distribution(positives.astype(int), folds, 2)
    assert (7 * ld + 21 * lpd) / 28 == pytest.approx(both)
