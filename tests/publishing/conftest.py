"""A workspace as a run leaves it: a tiny model, its thresholds and results, and a small collection's tables."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from model_fixtures import tiny_card, tiny_model
from predicting.made import write_thresholds

from instrumentarium.corpora.esc50.card import CARD as ESC50
from instrumentarium.corpora.irmas.card import CARD as IRMAS
from instrumentarium.evaluation.thresholds import Thresholds
from instrumentarium.models.modelfile import save_model
from instrumentarium.runtime.files import write_json
from instrumentarium.tables.schemas import CLIPS, DUPLICATES, REJECTED, SPLIT, resolved_labels_table
from instrumentarium.tables.taxonomy import write_taxonomy
from taxonomies import IRMAS11

CLIPS_OF = {"irmas": ("train", "train", "validation", "test"), "esc50": ("train", "test")}


def write_results(path: Path, thresholds: Path, temperature: float = 1.0) -> None:
    """Write what evaluate writes, as far as a model card reads it: macro F1 0.5 in [0.4, 0.6], AP of instrument n n/20."""
    limits = Thresholds.read(thresholds)
    values = {"f1_macro": 0.5, "f1_micro": 0.6, "map_macro": 0.7, "auroc_macro": 0.8, "lrap": 0.9}
    write_json(
        path,
        {
            "test": {
                **values,
                "false_instrument_rate": None,
                "clips": 2,
                "recordings": 2,
                "interval": {name: {"low": value - 0.1, "high": value + 0.1} for name, value in values.items()},
                "calibration": {"temperature": temperature},
                "per_instrument": {
                    code: {"f1": None, "ap": number / 20, "positives": number, "threshold": float(limit)}
                    for number, (code, limit) in enumerate(zip(IRMAS11.codes, limits.vector(), strict=True))
                },
            }
        },
    )


def write_tables(data: Path, collection: str) -> None:
    """Write the tables of six clips, each a recording of its own, of 3 s; the first IRMAS clip is a cello."""
    split, labels = [], []
    for corpus, splits in CLIPS_OF.items():
        folder = data / "clips" / collection / corpus
        folder.mkdir(parents=True)
        names = [f"{corpus}/{number}" for number in range(len(splits))]
        rows = pd.DataFrame(
            {
                "clip_id": names,
                "corpus": corpus,
                "recording_id": names,
                "path": [f"{name}.wav" for name in names],
                "duration_s": 3.0,
                "sample_rate_hz": 44100,
                "channels": 2,
                "first_sample": [96000 * number for number in range(len(splits))],
                "n_samples": 96000,
                "official_split": "",
                "genre": "",
                "drums": "unknown",
                "licence": "unknown",
                "group": "",
                "pcm_hash": "0" * 32,
            }
        )
        CLIPS.write(folder / "clips.csv", rows)
        REJECTED.write(folder / "rejected.csv", pd.DataFrame({"path": [f"{corpus}.txt"], "reason": ["no audio"]}))
        card = {"irmas": IRMAS, "esc50": ESC50}[corpus]
        write_json(folder / "card.json", card.facts(used=True))
        split += [
            {"clip_id": name, "split": part, "recording_id": name} for name, part in zip(names, splits, strict=True)
        ]
        labels += [
            {"clip_id": name, "instrument": code, "relevance": float(code == "cel" and name == "irmas/0")}
            for name in names
            for code in IRMAS11.codes
        ]
    SPLIT.write(data / "split.csv", pd.DataFrame(split))
    resolved_labels_table(IRMAS11).write(data / "labels.csv", pd.DataFrame(labels))
    DUPLICATES.write(data / "duplicates.csv", pd.DataFrame(columns=list(DUPLICATES.columns)))
    write_taxonomy(data / "taxonomy.json", IRMAS11)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository, and be in it."""
    folder = tmp_path / "repository"
    data = folder / "data"
    save_model(data / "model", tiny_model().state_dict(), tiny_card())
    write_thresholds(data / "model" / "thresholds.json", IRMAS11.codes, 0.01)
    write_results(data / "evaluation.json", data / "model" / "thresholds.json")
    collection = tiny_card().trained.collection
    write_tables(data, collection)
    (folder / "dvc.yaml").touch()
    params = {"collection": collection, "collections": {collection: {"source": "rendered"}}}
    (folder / "params.yaml").write_text(json.dumps(params))
    monkeypatch.chdir(folder)
    torch.manual_seed(0)
    return folder


def publish_corpora(workspace: Path) -> None:
    """Let the workspace's collection be of the published corpora."""
    path = workspace / "params.yaml"
    path.write_text(path.read_text().replace("rendered", "published"))
