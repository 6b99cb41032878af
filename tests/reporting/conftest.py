"""A tiny finished pipeline: tables, samples, a model's description, and what evaluate makes of them."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from instrumentarium.evaluation.report import evaluate, write_evaluation

from instrumentarium.reporting.report import Settings, Sources
from instrumentarium.tables.samplestore import SampleWriter
from instrumentarium.tables.schemas import CLIPS, REJECTED, SCORES, SETTLED_LABELS, SPLIT
from instrumentarium.tables.taxonomy import CODES

RATE_HZ = 8000
SAMPLES = 4000
PLOTS = (
    *("evaluate/roc", "evaluate/precision_recall", "evaluate/confusion", "evaluate/confusion_counts"),
    "evaluate/confusion_per_instrument",
    *("evaluate/per_instrument", "evaluate/scores", "evaluate/reliability", "evaluate/thresholds"),
    *("split/prevalence", "train/loss", "train/map_macro"),
)


@dataclass(frozen=True)
class World:
    root: Path
    sources: Sources
    settings: Settings

    def with_gallery(self, count: int) -> Settings:
        return replace(self.settings, gallery=count)


def write_files(root: Path) -> None:
    rng = np.random.default_rng(5)
    corpus = root / "data" / "clips" / "miniature" / "irmas"
    clips, labels, split, scores = [], [], [], []
    corpus.mkdir(parents=True)
    with SampleWriter(corpus / "samples") as writer:
        for number in range(60):
            part = ("train", "validation", "test")[number % 3]
            recording = f"irmas/song <{number // 6}{part}> & co"
            clip_id = f"irmas/Part1/it's song {number:02d}"
            time = np.arange(SAMPLES) / RATE_HZ
            tone = 8000 * np.sin(2 * np.pi * (200 + 50 * number) * time)
            first = writer.append(tone.astype(np.int16))
            clips.append(
                (
                    *(clip_id, "irmas", recording, f"{clip_id[6:]}.wav", SAMPLES / RATE_HZ, 44100, 2, first, SAMPLES),
                    *("test", "", "unknown", "CC", "0" * 32),
                )
            )
            plays = rng.random(len(CODES)) < 0.4
            seen = rng.random(len(CODES)) < 0.9
            labels += [(clip_id, code, float(plays[k])) for k, code in enumerate(CODES) if seen[k]]
            split.append((clip_id, part, recording))
            if part != "train":
                noisy = np.clip(0.25 + 0.5 * plays + 0.3 * rng.standard_normal(len(CODES)), 0, 1)
                scores.append((clip_id, *np.round(noisy, 4)))
    tables = {
        "clips": pd.DataFrame(clips, columns=list(CLIPS.columns)),
        "labels": pd.DataFrame(labels, columns=["clip_id", "instrument", "relevance"]),
        "split": pd.DataFrame(split, columns=["clip_id", "split", "recording_id"]),
        "scores": pd.DataFrame(scores, columns=["clip_id", *CODES]),
    }
    data = root / "data"
    CLIPS.write(corpus / "clips.csv", tables["clips"])
    REJECTED.write(corpus / "rejected.csv", pd.DataFrame([("a.wav", "silent <b>")], columns=["path", "reason"]))
    SETTLED_LABELS.write(data / "labels.csv", tables["labels"])
    SPLIT.write(data / "split.csv", tables["split"])
    SCORES.write(data / "scores.csv", tables["scores"])
    evaluation = evaluate(
        tables["scores"],
        tables["clips"],
        tables["labels"],
        tables["split"],
        rule="per_instrument",
        irmas_train_absent="negative",
        resamples=100,
        seed=1,
    )
    plots = root / "plots"
    write_evaluation(
        evaluation,
        root / "metrics" / "evaluate.json",
        data / "thresholds.json",
        data / "figures.csv",
        plots / "evaluate",
    )

    def write(path: str, content: object) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(json.dumps(content), encoding="utf-8")

    parts = {name: {"clips": 20, "recordings": 10, "seconds": 10.0, "ld": 0.1, "lpd": 0.2} for name in SPLITS}
    write("metrics/split.json", {**parts, "leaks": {"recordings": 0}})
    write("metrics/train.json", {"parameters": 1234})
    write("metrics/duplicates.json", {"exact": 1})
    write(
        "plots/split/prevalence.json", [{"instrument": c, "prevalence": 0.4, "split": s} for c in CODES for s in SPLITS]
    )
    write("plots/train/loss.json", [{"epoch": e, "loss": 1 / e, "part": p} for e in (1, 2) for p in SPLITS[:2]])
    write("plots/train/map_macro.json", [{"epoch": 1, "map_macro": 0.3}, {"epoch": 2, "map_macro": 0.2}])
    described = {
        "frontend": {"n_mels": 64},
        "network": {"kind": "cnn", "channels": [8, 16]},
        "trained": {"best_epoch": 1, "epochs": 2},
        "versions": {"torch": "2"},
        "windows": {"length_s": 3.0},
    }
    write("data/model/model.json", described)
    (data / "model" / "model.safetensors").write_bytes(b"weights")
    (root / "constraints.txt").write_text("# pins\nnumpy==2.4.6\n", encoding="utf-8")
    (root / "params.yaml").write_text("collection: miniature\naudio:\n  sample_rate_hz: 8000\n", encoding="utf-8")


def world_in(root: Path) -> World:
    """Return the world whose files lie in a folder."""
    data, plots = root / "data", root / "plots"
    sources = Sources(
        corpora=[data / "clips" / "miniature" / "irmas"],
        labels=data / "labels.csv",
        split=data / "split.csv",
        scores=data / "scores.csv",
        thresholds=data / "thresholds.json",
        model=data / "model",
        metrics=root / "metrics",
        rows=[plots / f"{name}.json" for name in PLOTS],
        constraints=root / "constraints.txt",
    )
    settings = Settings(
        collection="miniature",
        model="cnn",
        rendered=True,
        recipe={"epochs": 2},
        irmas_train_absent="negative",
        sample_rate_hz=RATE_HZ,
        gallery=1,
    )
    return World(root, sources, settings)


SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("world")
    write_files(root)
    return world_in(root)


@pytest.fixture
def own_world(world: World, tmp_path: Path) -> World:
    """A world that the test may break."""
    shutil.copytree(world.root, tmp_path, dirs_exist_ok=True)
    return world_in(tmp_path)
