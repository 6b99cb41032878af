"""One training run from tables to model folder: gathers what determines it, resumes it, writes what came out."""

import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import torch

from instrumentarium.clips.collection import clips_of, open_samples, read_clips
from instrumentarium.clips.labels import IRMAS_TRAIN_ABSENT, IrmasTrainAbsent, label_arrays
from instrumentarium.clips.params import WindowsParams
from instrumentarium.frontends.normalisation import Stats
from instrumentarium.frontends.params import LogMelParams
from instrumentarium.models.modelfile import ModelCard, TrainedOn, save_model
from instrumentarium.models.params import NETWORK
from instrumentarium.models.recognition import build_model
from instrumentarium.runtime.cache import fingerprint
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.section import DeclaredParams, Seed, validate
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.tables.schemas import SETTLED_LABELS, SPLIT
from instrumentarium.tables.taxonomy import CODES
from instrumentarium.training.augment.params import AugmentParams
from instrumentarium.training.fit import History, Part, TrainingPlan, choose_precision, fit
from instrumentarium.training.params import RecipeParams, TrainingParams
from instrumentarium.training.resume import resume_folder

LIBRARIES = ("instrumentarium", "numpy", "pytorch-lightning", "timm", "torch", "torchaudio")


def train(
    params: DeclaredParams,
    corpora: Sequence[Path],
    labels: Path,
    split: Path,
    stats: Path,
    out: Path,
    metrics: Path,
    plots: Path,
) -> str:
    """Train the model that params.yaml names and write model folder, figures and curves; return a line about it.

    Raises:
        UserError: if parameters, tables or pretrained weights are missing or cannot be used.
    """
    collection, model_name, seed = params.read("collection", str), params.read("model", str), params.read("seed", Seed)
    sample_rate_hz = params.read("audio.sample_rate_hz", int)
    windows = params.read("windows", WindowsParams)
    recipe = params.read(f"models.{model_name}.recipes.{collection}", RecipeParams)
    frontend = params.read(f"models.{model_name}.frontends.{collection}", LogMelParams)
    network = params.read(f"models.{model_name}.network", NETWORK)
    plan = TrainingPlan(
        recipe=recipe,
        training=params.read("training", TrainingParams),
        augment=params.read("augment", AugmentParams),
        window_samples=round(windows.length_s * sample_rate_hz),
        hop_samples=round(windows.hop_s * sample_rate_hz),
        clip_score=windows.clip_score,
        seed=seed,
    )
    normalisation = validate(json.loads(stats.read_text(encoding="utf-8")), Stats)

    torch.manual_seed(derive_seed(seed, "weights"))
    model = build_model(
        network,
        frontend,
        sample_rate_hz=sample_rate_hz,
        mean=normalisation.mean,
        std=normalisation.std,
        pretrained=recipe.pretrained,
    )
    parts = _read_parts(corpora, labels, split, params.read("labels.irmas_train_absent", IRMAS_TRAIN_ABSENT))
    versions = {name: version(name) for name in LIBRARIES}
    key = fingerprint(
        {
            "params": params.values,
            "versions": versions,
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            "threads": torch.get_num_threads(),
        },
        [*_code(), labels, split, stats, *(folder / "clips.csv" for folder in corpora)],
    )
    with resume_folder(key) as folder:
        history = fit(model, parts["train"], parts["validation"], plan, folder)
        best = history.rows[history.best_epoch]
        card = ModelCard(
            format=1,
            labels=CODES,
            sample_rate_hz=sample_rate_hz,
            frontend=frontend,
            normalisation=normalisation,
            network=network,
            windows=windows,
            trained=TrainedOn(
                collection=collection,
                model=model_name,
                seed=seed,
                epochs=len(history.rows),
                best_epoch=history.best_epoch + 1,
                validation_map_macro=round(best["validation_map_macro"], 6),
            ),
            versions=versions,
        )
        save_model(out, history.best_weights, card)
        write_json(metrics, _figures(history, sum(weights.numel() for weights in model.parameters())))
        _write_curves(history, plots)
    return (
        f"train: {len(parts['train'].samples)} training and {len(parts['validation'].samples)} validation clips in; "
        f"{model_name} after {len(history.rows)} epochs out, best in epoch {history.best_epoch + 1} "
        f"(validation mAP {best['validation_map_macro']:.4f}), {choose_precision(recipe)}"
    )


def _read_parts(
    corpora: Sequence[Path], labels: Path, split: Path, irmas_train_absent: IrmasTrainAbsent
) -> dict[str, Part]:
    clips, split_table = read_clips(corpora), SPLIT.read(split)
    arrays = label_arrays(clips, SETTLED_LABELS.read(labels), irmas_train_absent=irmas_train_absent)
    parts = {}
    for name in ("train", "validation"):
        chosen = clips_of(clips, split_table, name)
        parts[name] = Part(open_samples(chosen, corpora), arrays.take(list(chosen["clip_id"])))
    return parts


def _code() -> list[Path]:
    """Return the files of all modules of this package that are loaded: what runs is what counts."""
    modules = [module for name, module in sorted(sys.modules.items()) if name.split(".")[0] == "instrumentarium"]
    return [Path(module.__file__) for module in modules if module.__file__ is not None]


def _figures(history: History, parameters: int) -> dict[str, object]:
    best = history.rows[history.best_epoch]
    return {
        "best_epoch": history.best_epoch + 1,
        "epochs": len(history.rows),
        "parameters": parameters,
        "train_loss": round(best["train_loss"], 6),
        "validation_loss": round(best["validation_loss"], 6),
        "validation_map_macro": round(best["validation_map_macro"], 6),
    }


def _write_curves(history: History, plots: Path) -> None:
    """Write the data of the training curves, one row a point; epochs are counted from 1."""
    loss = [
        {"epoch": int(row["epoch"]) + 1, "part": part, "loss": round(row[f"{part}_loss"], 6)}
        for row in history.rows
        for part in ("train", "validation")
    ]
    precision = [
        {"epoch": int(row["epoch"]) + 1, "map_macro": round(row["validation_map_macro"], 6)} for row in history.rows
    ]
    write_json(plots / "loss.json", loss)
    write_json(plots / "map_macro.json", precision)
