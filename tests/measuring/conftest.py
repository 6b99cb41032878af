"""Tables as another group would hand them over, written to CSV files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from evaluation.conftest import draw_tables

from instrumentarium.measuring.measurement import Request


@dataclass
class Handed:
    """What a group hands over; `clips` says all that the pipeline knows of its clips."""

    scores: pd.DataFrame
    labels: pd.DataFrame
    clips: pd.DataFrame

    def wide(self) -> pd.DataFrame:
        table = self.labels.pivot(index="clip_id", columns="instrument", values="relevance").reset_index()
        missing = sorted(set(self.clips["clip_id"]) - set(table["clip_id"]))
        return pd.concat([table, pd.DataFrame({"clip_id": missing})], ignore_index=True)


def hand_over(*, songs: int = 30) -> Handed:
    tables = draw_tables(songs=songs)
    clips = tables.split.merge(tables.clips[["clip_id", "corpus", "genre", "group"]], on="clip_id")
    return Handed(tables.scores, tables.labels, clips)


@pytest.fixture
def handed() -> Handed:
    return hand_over()


@pytest.fixture
def request_of(tmp_path: Path) -> Callable[..., Request]:
    def write(scores: pd.DataFrame, labels: pd.DataFrame, *clips: pd.DataFrame, **settings: object) -> Request:
        paths = {}
        tables = {"scores": scores, "labels": labels, **{f"clips{k}": table for k, table in enumerate(clips)}}
        for name, table in tables.items():
            paths[name] = tmp_path / f"{name}.csv"
            table.to_csv(paths[name], index=False)
        defaults = {
            "irmas_train_absent": "negative",
            "absent": "unobserved",
            "recording_pattern": None,
            "taxonomy": None,
            "rule": "per_instrument",
            "resamples": 100,
            "seed": 3,
        }
        return Request(
            paths["scores"],
            paths["labels"],
            [paths[f"clips{k}"] for k in range(len(clips))],
            **{**defaults, **settings},
        )

    return write
