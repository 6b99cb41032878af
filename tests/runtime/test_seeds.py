import itertools

import numpy as np

from instrumentarium.runtime.seeds import derive_seed


def test_the_value_never_changes():
    assert derive_seed(2026, "augment", 3, 14) == 9209520543605394904


def test_every_argument_matters():
    draws = itertools.product((0, 1, 11), ("train", "augment"), ((), (0,), (1,), (1, 1), (11,), (1, 11), (11, 1)))
    seeds = [derive_seed(seed, purpose, *counters) for seed, purpose, counters in draws]
    assert len(set(seeds)) == len(seeds)


def test_seeds_suit_numpy_and_torch():
    seeds = [derive_seed(0, "law", counter) for counter in range(500)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert 0.4 < np.mean([seed / 2**63 for seed in seeds]) < 0.6
