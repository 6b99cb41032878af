"""Small collections drawn from a seed, the published IRMAS test listing where there is one, and parameters of the split."""

import csv
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from instrumentarium.splitting.params import SplitParams, SplitShares
from instrumentarium.tables.schemas import DUPLICATES
from taxonomies import IRMAS11

CODES = IRMAS11.codes
LISTING = Path(__file__).resolve().parents[2] / "shared" / "data" / "irmas" / "test-listing.csv"
HALVES = SplitShares(train=0.0, validation=0.5, test=0.5)
PARAMS = SplitParams(
    irmas_test_songs=HALVES,
    openmic_validation_share=0.2,
    esc50_validation_fold=4,
    own=SplitShares(train=0.6, validation=0.2, test=0.2),
    fold=None,
    frozen=None,
)
NO_DUPLICATES = pd.DataFrame(columns=list(DUPLICATES.columns))


def clips_of(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Return clips from (clip_id, recording, official split, what sounds); equal sound is a duplicate."""
    frame = pd.DataFrame(list(rows), columns=["clip_id", "recording_id", "official_split", "pcm_hash"])
    frame["corpus"] = frame["clip_id"].str.split("/").str[0]
    frame["duration_s"] = 3.0
    frame["genre"] = ""
    frame["drums"] = [("yes", "no", "unknown")[len(clip_id) % 3] for clip_id in frame["clip_id"]]
    return frame


def levels(clips: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return levels in dB by the clips' ids alone, silence and full scale among them."""
    some = (-400.0, -60.0, -31.5, -0.5, 0.0)
    return np.array([some[sum(clip_id.encode()) % len(some)] for clip_id in clips["clip_id"]])


def labels_of(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["clip_id", "instrument", "relevance"])


def pairs_of(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """Return duplicates from (clip_a, clip_b, kind)."""
    frame = pd.DataFrame(list(rows), columns=["clip_a", "clip_b", "kind"])
    return frame.assign(offset_s=0.0, overlap_s=2.0, matches=40, conflict="")


def draw_collection(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a small collection of all corpora with a few duplicates across recordings, corpora and splits."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, str, str, str]] = []
    labels: list[tuple[str, str, float]] = []

    def add(corpus: str, recording: str, official: str, codes: list[str], count: int) -> None:
        for number in range(count):
            clip_id = f"{corpus}/{recording}-{number}"
            rows.append((clip_id, f"{corpus}/{recording}", official, f"sound of {clip_id}"))
            labels.extend((clip_id, code, float(rng.uniform(0.6, 1))) for code in codes)

    for number in range(44):
        add("irmas", f"train-{number}", "train", [CODES[number % 11]], int(rng.integers(1, 4)))
    for number in range(60):
        codes = [str(code) for code in rng.choice(CODES, size=int(rng.integers(1, 4)), replace=False)]
        add("irmas", f"test-{number}", "test", codes, int(rng.integers(1, 8)))
    for number in range(50):
        add("openmic", f"{number}", "test" if number % 4 == 0 else "train", [str(rng.choice(CODES))], 1)
    for number in range(25):
        add("esc50", f"{number}", f"fold{number % 5 + 1}", [], 2)
    for number in range(30):
        stated = ("train", "validation", "test", "", "")[number % 5]
        add("own", f"{number}", stated, [str(rng.choice(CODES[:3]))], int(rng.integers(1, 4)))
    clips = clips_of(*rows)
    for number in rng.choice(np.flatnonzero(clips["corpus"] != "own"), size=12, replace=False):
        clips.loc[number, "pcm_hash"] = clips["pcm_hash"][int(rng.integers(len(clips)))]
    return clips, labels_of(*labels)


def without_duplicates(clips: pd.DataFrame) -> pd.DataFrame:
    return clips.assign(pcm_hash=clips["clip_id"])


def shuffled(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    order = np.random.default_rng(seed).permutation(len(frame))
    return frame.iloc[order].reset_index(drop=True)


def published_test_songs() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return clips and labels of the published IRMAS test part; skip the test where its listing is not at hand."""
    if not LISTING.exists():
        pytest.skip("the published listings are not beside this checkout")
    rows, labels = [], []
    with LISTING.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            stem = row["filename"].removesuffix(".wav")
            rows.append((f"irmas/{stem}", "irmas/test-" + re.sub(r"-\d+$", "", stem), "test", stem))
            labels += [(f"irmas/{stem}", code, 1.0) for code in row["labels"].split("-")]
    return clips_of(*rows), labels_of(*labels)
