"""What is in each split, and how much the splits look alike: metrics/split.json.

`ld` and `lpd` of a split compare its clips with all clips of all splits, so they mostly tell that corpora differ. Those
under `stratified` compare a part with the pool that was split (the IRMAS test songs, say): they tell how good the
search is.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from instrumentarium.splitting.distribution import balance, label_distribution, label_pair_distribution
from instrumentarium.splitting.leaks import Leaks
from instrumentarium.splitting.params import FOLDS, SplitParams
from instrumentarium.splitting.rules import SPLITS, Pool, pools
from instrumentarium.splitting.units import BoolArray, positive_labels

Metrics = dict[str, object]
DECIMALS = 6


def describe_split(
    clips: pd.DataFrame,
    labels: pd.DataFrame,
    split: pd.DataFrame,
    leaks: Leaks,
    params: SplitParams,
    codes: Sequence[str],
) -> Metrics:
    """Return the content of metrics/split.json, but for where a frozen split came from.

    Args:
        clips: columns clip_id, corpus, recording_id, official_split, duration_s.
        labels: columns clip_id, instrument, relevance.
        split: columns clip_id, split, recording_id; the same clips, every split with some.
        leaks: what was found in them.
        params: the section `split` of params.yaml; by it the pools are known.
        codes: of the instruments.
    """
    merged = split[["clip_id", "split"]].assign(merged=split["recording_id"])
    table = clips.merge(merged, on="clip_id").sort_values("clip_id", ignore_index=True)
    positives = positive_labels(table, labels, codes)
    return {
        **{
            name: _split_metrics(table, positives, codes, (table["split"] == name).to_numpy(dtype=np.bool_))
            for name in SPLITS
        },
        "stratified": {pool.name: _pool_metrics(pool, labels, codes) for pool in _measured_pools(table, params)},
        "leaks": leaks.counts(),
        "merged_recordings": int(clips["recording_id"].nunique() - split["recording_id"].nunique()),
    }


def _measured_pools(table: pd.DataFrame, params: SplitParams) -> list[Pool]:
    """Return what was split by labels: the corpora's pools, or what lies outside test where a fold of it validates."""
    if params.fold is None:
        return pools(table, params)
    return [Pool("folds", table[table["split"] != "test"], (1 - 1 / FOLDS, 1 / FOLDS, 0.0))]


def _split_metrics(table: pd.DataFrame, positives: BoolArray, codes: Sequence[str], part: BoolArray) -> Metrics:
    there = table[part]
    merged = there["merged"].to_numpy()
    holds = {code: positives[part, column] for column, code in enumerate(codes)}
    return {
        "clips": len(there),
        "recordings": int(there["merged"].nunique()),
        "seconds": round(float(there["duration_s"].sum()), 3),
        "ld": round(label_distribution(positives, part), DECIMALS),
        "lpd": round(label_pair_distribution(positives, part), DECIMALS),
        "corpora": {str(name): int(count) for name, count in there["corpus"].value_counts().items()},
        "instruments": {
            code: {
                "clips": int(held.sum()),
                "recordings": len(set(merged[held])),
                "seconds": round(float(there["duration_s"][held].sum()), 3),
            }
            for code, held in holds.items()
        },
    }


def _pool_metrics(pool: Pool, labels: pd.DataFrame, codes: Sequence[str]) -> Metrics:
    wanted = dict(zip(SPLITS, pool.shares, strict=True))
    # a recording that another corpus holds in a guarded split may lie where no share was asked for
    found = [split for split in SPLITS if wanted[split] > 0 or (pool.clips["split"] == split).any()]
    numbers = {split: number for number, split in enumerate(found)}
    part_of = np.array([numbers[split] for split in pool.clips["split"]], dtype=np.int64)
    measured = balance(positive_labels(pool.clips, labels, codes), part_of, [wanted[split] for split in found])
    return {
        **{
            split: {
                "clips": int((part_of == number).sum()),
                "recordings": int(pool.clips["merged"][part_of == number].nunique()),
                "ld": round(measured.ld[number], DECIMALS),
                "lpd": round(measured.lpd[number], DECIMALS),
            }
            for split, number in numbers.items()
        },
        "prevalence_gap": round(measured.prevalence_gap, DECIMALS),
        "fold_size_gap": round(measured.fold_size_gap, DECIMALS),
    }
