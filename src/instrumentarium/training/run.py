"""One training run from tables to model folder: gathers what determines it, resumes it, writes what came out."""

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from instrumentarium.clips.collection import clips_of, open_samples, read_clips
from instrumentarium.clips.labels import IRMAS_TRAIN_ABSENT, label_arrays
from instrumentarium.clips.params import WindowsParams
from instrumentarium.frontends.normalisation import Normalisation
from instrumentarium.frontends.params import FRONTEND, FrontEndParams
from instrumentarium.models.classifier import start_from_classifier
from instrumentarium.models.modelfile import ModelCard, TrainedOn, save_model
from instrumentarium.models.params import BACKBONE, HEAD, BackboneParams, HeadParams, SideInput, with_classifier
from instrumentarium.models.recognition import build_model
from instrumentarium.runtime.cache import fingerprint
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.machine import Training, cores, memory_gib, processor, remember_training
from instrumentarium.runtime.section import DeclaredParams, Seed, read_section
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.tables.schemas import KEYS_TEMPOS, SPLIT, resolved_labels_table
from instrumentarium.tables.taxonomy import Taxonomy, read_taxonomy
from instrumentarium.training.augment.build import build_augmentations
from instrumentarium.training.augment.params import AugmentParams
from instrumentarium.training.augment.rooms import response_files
from instrumentarium.training.devices import find_devices
from instrumentarium.training.finetuning import libraries_of, own_parameters, prepare_backbone
from instrumentarium.training.fit import choose_precision, fit
from instrumentarium.training.live import build_sinks, write_plot_rows
from instrumentarium.training.objectives.base import TrainingLabels
from instrumentarium.training.objectives.build import build_objective
from instrumentarium.training.objectives.params import LOSS, LossParams
from instrumentarium.training.params import RecipeParams, TrainerParams, TrainingParams
from instrumentarium.training.partners import clip_traits
from instrumentarium.training.recorder import History
from instrumentarium.training.resume import resume_folder
from instrumentarium.training.sideinputs import side_codes, side_values
from instrumentarium.training.split_data import SplitData
from instrumentarium.training.task import TrainingRun

LIBRARIES = ("instrumentarium", "numpy", "pytorch-lightning", "timm", "torch", "torchaudio")
"""Whose versions may change any result; those that only some models need are in `libraries_of`."""


@dataclass(frozen=True)
class Inputs:
    """What a run reads: folders of the ingested corpora, files, and the folder of the selected parameters."""

    corpora: Sequence[Path]
    labels: Path
    taxonomy: Path
    split: Path
    stats: Path
    selected: Path
    keys_tempos: Path


@dataclass(frozen=True)
class Prepared:
    """A run before its first step, and what it is made of."""

    run: TrainingRun
    data: Mapping[str, SplitData]
    taxonomy: Taxonomy
    frontend: FrontEndParams
    normalisation: Normalisation
    backbone: BackboneParams
    head: HeadParams
    loss: LossParams
    augmentation: AugmentParams
    side_inputs: dict[SideInput, tuple[str, ...]]


def prepare(params: DeclaredParams, inputs: Inputs) -> Prepared:
    """Build the model that params.yaml selects, and gather all that it is trained by and on.

    Raises:
        UserError: if parameters, tables or pretrained weights are missing or cannot be used.
    """
    training = params.read("training", TrainingParams)
    seed = params.read("seed", Seed) if training.seed is None else training.seed
    sample_rate_hz, selected = params.read("audio.sample_rate_hz", int), inputs.selected
    frontend, backbone = (
        read_section(selected / "frontend.json", FRONTEND),
        read_section(selected / "backbone.json", BACKBONE),
    )
    head, windows = read_section(selected / "head.json", HEAD), read_section(selected / "windows.json", WindowsParams)
    recipe, loss = read_section(selected / "recipe.json", RecipeParams), read_section(selected / "loss.json", LOSS)
    augmentation = read_section(selected / "augmentation.json", AugmentParams)
    normalisation = read_section(inputs.stats, Normalisation)
    taxonomy = read_taxonomy(inputs.taxonomy)

    data, side_inputs = _read_splits(params, inputs, taxonomy, augmentation, training.side_inputs)
    torch.manual_seed(derive_seed(seed, "weights"))
    model = build_model(
        frontend,
        backbone,
        head,
        instruments=len(taxonomy),
        sample_rate_hz=sample_rate_hz,
        window_samples=round(windows.length_s * sample_rate_hz),
        normalisation=normalisation,
        pretrained=recipe.pretrained,
        side_inputs=side_inputs,
    )
    if (published := with_classifier(recipe.pretrained)) is not None:
        start_from_classifier(model, published, taxonomy.codes)
    prepare_backbone(model, training)
    run = TrainingRun(
        model=model,
        objective=build_objective(loss, _training_labels(taxonomy, data["train"]), model.head.embedding_size),
        augmentations=build_augmentations(augmentation, model.frontend, sample_rate_hz),
        recipe=recipe,
        training=training,
        windows=windows,
        sample_rate_hz=sample_rate_hz,
        seed=seed,
    )
    return Prepared(run, data, taxonomy, frontend, normalisation, backbone, head, loss, augmentation, side_inputs)


def train(params: DeclaredParams, inputs: Inputs, out: Path, metrics: Path, plots: Path, live: Path) -> str:
    """Train the model that params.yaml selects and write model folder, metrics and curves; return a line about it.

    What `training.curves` names draws them as they grow, in `live`. Where several processes share the training, the first
    one alone writes anything.

    Raises:
        UserError: if parameters, tables or pretrained weights are missing or cannot be used.
    """
    collection, model_name = params.read("collection", str), params.read("model", str)
    devices = find_devices(params.read("training.trainer", TrainerParams))  # before anything is read
    if devices.rank:
        logging.getLogger().setLevel(logging.WARNING)  # the first one says how it goes
    prepared = prepare(params, inputs)
    run, data, taxonomy = prepared.run, prepared.data, prepared.taxonomy
    others = libraries_of(prepared.backbone, adapters=run.training.lora_rank > 0)
    versions = {name: version(name) for name in sorted([*LIBRARIES, *(name for name, used in others.items() if used)])}
    key = fingerprint(
        {
            "params": _without_curves(params.values),
            "versions": versions,
            "device": devices.name,
            "threads": torch.get_num_threads(),
        },
        [
            *loaded_code(),
            *(inputs.labels, inputs.taxonomy, inputs.split, inputs.stats),
            *(inputs.selected / f"{name}.json" for name in SELECTED),
            *(folder / "clips.csv" for folder in inputs.corpora),
            *undeclared_files(prepared.augmentation),
        ],
    )
    with resume_folder(key, processes=devices.processes, rank=devices.rank) as folder:
        sinks = [] if devices.rank else build_sinks(run.training.curves, plots, live)
        history = fit(run, data["train"], data["validation"], folder, sinks)
        best = history.rows[history.best_epoch]
        line = (
            f"train: {len(data['train'].samples)} training and {len(data['validation'].samples)} validation clips in; "
            f"{model_name} after {len(history.rows)} epochs out, best in epoch {history.best_epoch + 1} "
            f"(validation mAP {best['validation_map_macro']:.4f}), {choose_precision(run.recipe, devices.accelerator)}"
        )
        if devices.rank:
            return line
        card = ModelCard(
            format=2,
            taxonomy_name=taxonomy.name,
            labels=taxonomy.instruments,
            sample_rate_hz=run.sample_rate_hz,
            frontend=prepared.frontend,
            normalisation=prepared.normalisation,
            backbone=prepared.backbone,
            head=prepared.head,
            windows=run.windows,
            side_inputs=prepared.side_inputs,
            recipe={
                **run.recipe.model_dump(mode="json"),
                "loss": prepared.loss.model_dump(mode="json"),
                "augmentation": prepared.augmentation.model_dump(mode="json", exclude_none=True),
                "training": run.training.model_dump(mode="json", exclude=_unrecorded(run.training)),
            },
            trained=TrainedOn(
                collection=collection,
                model=model_name,
                seed=run.seed,
                epochs=len(history.rows),
                best_epoch=history.best_epoch + 1,
                validation_map_macro=round(best["validation_map_macro"], 6),
            ),
            versions=versions,
        )
        save_model(out, history.best_weights, card)
        remember_training(out / "model.safetensors", _on_this_machine(history, devices.name))
        write_json(metrics, _metrics(history, own_parameters(run.model)))
        write_plot_rows(history.rows, plots)
    return line


SELECTED = ("frontend", "backbone", "head", "loss", "augmentation", "windows", "recipe")
"""The selected parameters that a training reads."""


def _read_splits(
    params: DeclaredParams,
    inputs: Inputs,
    taxonomy: Taxonomy,
    augmentation: AugmentParams,
    side_inputs: Sequence[SideInput],
) -> tuple[dict[str, SplitData], dict[SideInput, tuple[str, ...]]]:
    """Return the clips of training and validation, and the values of side inputs that the former have."""
    clips, split_table = read_clips(inputs.corpora), SPLIT.read(inputs.split)
    arrays = label_arrays(
        clips,
        resolved_labels_table(taxonomy).read(inputs.labels),
        taxonomy,
        irmas_train_absent=params.read("labels.irmas_train_absent", IRMAS_TRAIN_ABSENT),
    )
    samples = open_samples(clips_of(clips, split_table, "train", "validation"), inputs.corpora)
    data, values = {}, {}
    for name in ("train", "validation"):
        chosen = clips_of(clips, split_table, name)
        names = list(chosen["clip_id"])
        data[name] = SplitData(samples.take(names), arrays.take(names))
        if name == "train" and augmentation.partners:
            recordings = dict(zip(split_table["clip_id"], split_table["recording_id"], strict=True))
            asked = augmentation.partners & {"key", "tempo"}
            keys_tempos = KEYS_TEMPOS.read(inputs.keys_tempos) if asked else None
            data[name] = replace(data[name], traits=clip_traits(chosen, recordings, keys_tempos))
        if name == "train" and side_inputs:
            playing = np.asarray(data[name].labels.targets.any(axis=1))
            values = side_values(chosen, playing, side_inputs)
            data[name] = replace(data[name], side=side_codes(chosen, playing, values))
    return data, values


def _unrecorded(training: TrainingParams) -> set[str]:
    """Return the parameters that say nothing of a model: what only draws, where it ran, side inputs if there are none."""
    return {"curves", "trainer"} | (set() if training.side_inputs else {"side_inputs", "side_unknown_share"})


def undeclared_files(augmentation: AugmentParams) -> list[Path]:
    """Return the files of the user's that a training reads besides its inputs, so that none is resumed after a change."""
    rooms = augmentation.impulse_response
    return [] if rooms is None or rooms.measured is None else response_files(rooms.measured)


def _training_labels(taxonomy: Taxonomy, train: SplitData) -> TrainingLabels:
    targets, observed = train.labels.targets & train.labels.observed, train.labels.observed
    return TrainingLabels(
        families=tuple(instrument.family for instrument in taxonomy.instruments),
        positives=tuple(targets.sum(axis=0).tolist()),
        negatives=tuple((observed & ~targets).sum(axis=0).tolist()),
    )


def loaded_code() -> list[Path]:
    """Return the files of all modules of this package that are loaded: what runs is what counts."""
    modules = [module for name, module in sorted(sys.modules.items()) if name.split(".")[0] == "instrumentarium"]
    return [Path(module.__file__) for module in modules if module.__file__ is not None]


def _on_this_machine(history: History, device: str) -> Training:
    return Training(
        seconds=round(history.seconds, 1),
        epochs=len(history.rows),
        device=processor() if device == "cpu" else device,
        cores=cores(),
        threads=torch.get_num_threads(),
        memory_gib=round(memory_gib(), 1),
    )


def _metrics(history: History, parameters: int) -> dict[str, object]:
    best = history.rows[history.best_epoch]
    return {
        "best_epoch": history.best_epoch + 1,
        "epochs": len(history.rows),
        "parameters": parameters,
        "train_loss": round(best["train_loss"], 6),
        "validation_loss": round(best["validation_loss"], 6),
        "validation_map_macro": round(best["validation_map_macro"], 6),
    }


def _without_curves(values: Mapping[str, object]) -> dict[str, object]:
    """Return parameters without what only draws: a run that goes on may draw otherwise."""
    training = values["training"]
    assert isinstance(training, Mapping)
    return {**values, "training": {key: value for key, value in training.items() if key != "curves"}}
