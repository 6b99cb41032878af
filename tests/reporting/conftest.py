"""A tiny finished pipeline of any instruments: tables, samples, a model's description, metrics and rows of plots."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from plot_rows import OPENMIC20, rows_of

from instrumentarium.reporting.document import HEADLINE
from instrumentarium.reporting.explained import CAPTIONS
from instrumentarium.reporting.report import Settings, Sources
from instrumentarium.tables.samplestore import SampleWriter
from instrumentarium.tables.schemas import CLIPS, REJECTED, SPLIT, resolved_labels_table, scores_table
from instrumentarium.tables.taxonomy import Taxonomy, write_taxonomy
from taxonomies import BAND3, IRMAS11

RATE_HZ = 8000
SAMPLES = 4000
UNSURE = 4
"""Scores of so many instruments, the first, are noisy; those of the others are right."""
PLOTS = (
    *("evaluate/roc", "evaluate/precision_recall", "evaluate/confusion", "evaluate/confusion_counts"),
    "evaluate/confusion_per_instrument",
    *("evaluate/per_instrument", "evaluate/scores", "evaluate/reliability", "evaluate/thresholds"),
    *("split/prevalence", "split/drums", "split/cooccurrence", "split/genres", "split/labels_per_clip"),
    *("split/durations", "split/loudness", "keys/keys", "keys/tempos", "train/loss", "train/map_macro"),
)


@dataclass(frozen=True)
class World:
    root: Path
    taxonomy: Taxonomy
    sources: Sources
    settings: Settings

    def with_gallery(self, count: int) -> Settings:
        return replace(self.settings, gallery=count)


def write_files(root: Path, taxonomy: Taxonomy) -> None:
    codes = taxonomy.codes
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
                    *("test", "", "unknown", "CC", "", "0" * 32),
                )
            )
            plays = rng.random(len(codes)) < 0.4
            seen = rng.random(len(codes)) < 0.9
            labels += [(clip_id, code, float(plays[k])) for k, code in enumerate(codes) if seen[k]]
            split.append((clip_id, part, recording))
            if part != "train":
                noise = 0.5 * rng.standard_normal(len(codes)) * (np.arange(len(codes)) < UNSURE)
                noisy = np.clip(0.25 + 0.5 * plays + noise, 0, 1)
                scores.append((clip_id, *np.round(noisy, 4)))
    tables = {
        "clips": pd.DataFrame(clips, columns=list(CLIPS.columns)),
        "labels": pd.DataFrame(labels, columns=["clip_id", "instrument", "relevance"]),
        "split": pd.DataFrame(split, columns=["clip_id", "split", "recording_id"]),
        "scores": pd.DataFrame(scores, columns=["clip_id", *codes]),
    }
    data = root / "data"
    CLIPS.write(corpus / "clips.csv", tables["clips"])
    REJECTED.write(corpus / "rejected.csv", pd.DataFrame([("a.wav", "silent <b>")], columns=["path", "reason"]))
    resolved_labels_table(taxonomy).write(data / "labels.csv", tables["labels"])
    SPLIT.write(data / "split.csv", tables["split"])
    scores_table(taxonomy).write(data / "scores" / "model.csv", tables["scores"])
    write_taxonomy(data / "taxonomy.json", taxonomy)

    def write(path: str, content: object) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(json.dumps(content), encoding="utf-8")

    for plot in PLOTS:
        write(f"plots/{plot}.json", rows_of(plot, codes))
    write_explained(root / "plots" / "explain", codes)
    write("data/evaluation.json", evaluation_of(codes))
    write("data/clips/miniature/irmas/card.json", CARD)

    parts = {name: {"clips": 20, "recordings": 10, "seconds": 10.0, "ld": 0.1, "lpd": 0.2} for name in SPLITS}
    write("metrics/split.json", {**parts, "leaks": {"recordings": 0}})
    write("metrics/train.json", {"parameters": 1234})
    write("metrics/duplicates.json", {"exact": 1})
    described = {
        "format": 2,
        "labels": [{"code": code, "name": taxonomy.names[code], "family": ""} for code in codes],
        "frontend": {"kind": "logmel", "n_mels": 64},
        "backbone": {"kind": "cnn", "channels": [8, 16]},
        "normalisation": {"mean": [0.5] * 64},
        "recipe": {"epochs": 2, "steps": list(range(64))},
        "trained": {"best_epoch": 1, "epochs": 2},
        "versions": {"torch": "2"},
        "windows": {"length_s": 3.0},
    }
    write("data/model/model.json", described)
    (data / "model" / "model.safetensors").write_bytes(b"weights")
    (root / "constraints.txt").write_text("# pins\nnumpy==2.4.6\n", encoding="utf-8")
    (root / "params.yaml").write_text("collection: miniature\naudio:\n  sample_rate_hz: 8000\n", encoding="utf-8")


def write_explained(folder: Path, codes: Sequence[str]) -> None:
    """Write what the explain stage would: a map of the first instrument, and an empty one of the second."""
    maps = [
        {
            "file": f"{code}-best-1.png",
            "clip_id": f"irmas/Part1/it's song {number:02d}",
            "instrument": code,
            "truth": ("plays", "silent")[number],
            "score": 0.25 + number / 2,
            "method": "gradcam",
            "window_start_s": 0.0,
            "window_score": 0.5,
            "empty": number == 1,
        }
        for number, code in enumerate(codes[:2])
    ]
    for place in (*(f"maps/{each['file']}" for each in maps), *(f"embeddings/{name}.png" for name in CAPTIONS)):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 10), "red").save(path)
    (folder / "maps" / "maps.json").write_text(json.dumps(maps), encoding="utf-8")


def world_in(root: Path, taxonomy: Taxonomy = IRMAS11) -> World:
    """Return the world whose files lie in a folder."""
    data, plots = root / "data", root / "plots"
    sources = Sources(
        corpora=[data / "clips" / "miniature" / "irmas"],
        taxonomy=data / "taxonomy.json",
        labels=data / "labels.csv",
        split=data / "split.csv",
        scores=data / "scores" / "model.csv",
        evaluation=data / "evaluation.json",
        model=data / "model",
        metrics=root / "metrics",
        rows=[plots / f"{name}.json" for name in PLOTS],
        explained=plots / "explain",
        constraints=root / "constraints.txt",
    )
    settings = Settings(
        collection="miniature",
        model="cnn",
        rendered=True,
        irmas_train_absent="negative",
        sample_rate_hz=RATE_HZ,
        gallery=1,
    )
    return World(root, taxonomy, sources, settings)


SPLITS = ("train", "validation", "test")
CARD = {
    "corpus": "irmas",
    "title": "IRMAS",
    "page": "https://example.org/irmas",
    "licences": [{"covers": "audio", "name": "CC BY-NC-SA 3.0", "url": "", "forbids": "no commercial use"}],
    "citation": "Bosch et al. 2012.",
    "remark": "",
    "used": True,
}


def evaluation_of(codes: Sequence[str]) -> dict[str, object]:
    """Return made-up metrics with the keys of data/evaluation.json."""
    metrics = {key: (place + 1) / 13 for place, key in enumerate(HEADLINE)}
    ends = {"low": 0.111, "high": 0.888}
    part = {**metrics, "clips": 20, "recordings": 10}
    split = {
        **part,
        "interval": {"resamples": 100, "f1_macro": ends, "map_macro": ends},
        "rule": "per_instrument",
        "thresholds_from": "validation",
        "rules": {rule: {"f1_macro": 0.5, "f1_micro": 0.4} for rule in ("fixed", "global", "per_instrument")},
        "oracle": {"f1_macro": 0.9, "f1_micro": 0.8},
        "negatives": {"clips": 3, "false_instrument_rate": 0.25, "by_group": {}},
        "calibration": {"temperature": 0.8, "ece_mean": 0.07, "ece_mean_scaled": 0.05},
        "per_corpus": {"irmas": part},
        "by_labels": {"1": part},
        "by_genre": {},
        "per_instrument": {
            code: {
                **dict.fromkeys(("f1", "precision", "recall", "ap", "auroc"), 0.6),
                "threshold": 0.5,
                "positives": 5,
                "songs": 4,
                "interval": {"f1": ends, "ap": ends},
            }
            for code in codes
        },
    }
    systems = {
        "model": {**metrics, "interval": {"f1_macro": ends}},
        "all_zeros": {"f1_macro": 0.0},
        "baseline": {"f1_macro": 0.345},
        "random": {"f1_macro": 0.123},
    }
    return {"test": split, "validation": split, "systems": systems}


@pytest.fixture(scope="session", params=[BAND3, OPENMIC20], ids=lambda taxonomy: taxonomy.name)
def world_of_others(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world of three instruments, and one of twenty."""
    root = tmp_path_factory.mktemp("others")
    write_files(root, request.param)
    return world_in(root, request.param)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("world")
    write_files(root, IRMAS11)
    return world_in(root)


@pytest.fixture
def own_world(world: World, tmp_path: Path) -> World:
    """A world that the test may break."""
    shutil.copytree(world.root, tmp_path, dirs_exist_ok=True)
    return world_in(tmp_path)
