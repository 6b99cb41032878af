"""One pre-training from tables to a folder of weights: gathers what determines it, resumes it, writes what came out."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from pydantic import TypeAdapter

from instrumentarium.clips.collection import clips_of, open_samples, read_clips
from instrumentarium.clips.params import WindowsParams
from instrumentarium.frontends.build import build_frontend
from instrumentarium.frontends.normalisation import Normalisation, Normalise
from instrumentarium.frontends.params import FRONTEND, FrontEndParams
from instrumentarium.models.backbones.build import build_backbone
from instrumentarium.models.params import BACKBONE, BackboneParams
from instrumentarium.models.recognition import feature_shape
from instrumentarium.pretraining.build import build_pretext
from instrumentarium.pretraining.loop import PretrainingRun, Regularisation, pretrain
from instrumentarium.pretraining.params import PretrainingParams, lacks_patches
from instrumentarium.pretraining.weightsfolder import PretrainingCard, save_pretrained
from instrumentarium.pretraining.windows import Unlabelled
from instrumentarium.runtime.cache import fingerprint
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.section import DeclaredParams, ParamsError, Positive, Seed, read_section
from instrumentarium.runtime.seeds import derive_seed
from instrumentarium.tables.schemas import SPLIT
from instrumentarium.training.augment.build import build_augmentations
from instrumentarium.training.augment.params import AugmentParams
from instrumentarium.training.finetuning import libraries_of
from instrumentarium.training.resume import resume_folder
from instrumentarium.training.run import LIBRARIES, loaded_code, undeclared_files

OWN_SEED: TypeAdapter[int | None] = TypeAdapter(Seed | None)
"""What `training.seed` may be."""
SELECTED = ("frontend", "backbone", "windows", "augmentation")
"""The selected parameters that a pre-training reads: not the recipe, which may name the weights that it makes."""


class StaleStatisticsError(UserError, ValueError):
    """Statistics of another front end than the selected one."""


@dataclass(frozen=True)
class Inputs:
    """What a pre-training reads: folders of the ingested corpora, files, and the folder of the selected parameters."""

    corpora: Sequence[Path]
    split: Path
    stats: Path
    selected: Path


@dataclass(frozen=True)
class Prepared:
    """A pre-training before its first step, and what it is made of."""

    run: PretrainingRun
    train: Unlabelled
    validation: Unlabelled
    frontend: FrontEndParams
    normalisation: Normalisation
    backbone: BackboneParams
    windows: WindowsParams
    augmentation: AugmentParams
    sample_rate_hz: int


def prepare(params: DeclaredParams, inputs: Inputs) -> Prepared:
    """Build the pretext task that params.yaml selects, and gather what it is trained on. No label is read.

    Raises:
        UserError: if parameters or tables are missing or cannot be used.
    """
    chosen = params.read("pretraining", PretrainingParams)
    own_seed = params.read("training.seed", OWN_SEED)
    seed = params.read("seed", Seed) if own_seed is None else own_seed
    sample_rate_hz, selected = params.read("audio.sample_rate_hz", int), inputs.selected
    frontend = read_section(selected / "frontend.json", FRONTEND)
    backbone = read_section(selected / "backbone.json", BACKBONE)
    windows = read_section(selected / "windows.json", WindowsParams)
    normalisation = read_section(inputs.stats, Normalisation)
    if (lacking := lacks_patches(chosen.method, spectra=frontend.makes_spectra)) is not None:
        raise ParamsError(lacking)
    augmentation = _augmentation(chosen, selected)
    front = build_frontend(frontend, sample_rate_hz)
    found = [len(row) for row in normalisation.mean]
    if normalisation.kind == "per_band" and found != [front.rows] * front.channels:
        raise StaleStatisticsError(
            f"{inputs.stats} has statistics of {found} bands, and the front end makes {[front.rows] * front.channels}; run "
            "`dvc repro stats`"
        )
    window_samples = round(windows.length_s * sample_rate_hz)
    shape = feature_shape(front, window_samples)
    torch.manual_seed(derive_seed(seed, "pre-trained weights"))
    network = build_backbone(backbone, shape)
    run = PretrainingRun(
        pretext=build_pretext(chosen, network, shape),
        frontend=front,
        normalise=Normalise(normalisation),
        augmentations=build_augmentations(augmentation, front, sample_rate_hz),
        params=chosen,
        regularisation=Regularisation(
            params.read("training.weight_decay", float),
            params.read("training.warmup_ratio", float),
            params.read("training.max_grad_norm", Positive),
        ),
        window_samples=window_samples,
        seed=seed,
    )
    clips, split = read_clips(inputs.corpora), SPLIT.read(inputs.split)
    samples = open_samples(clips_of(clips, split, "train", "validation"), inputs.corpora)
    recordings = dict(zip(split["clip_id"], split["recording_id"], strict=True))
    train, validation = (
        Unlabelled(samples.take(names), [str(recordings[name]) for name in names])
        for names in (list(clips_of(clips, split, part)["clip_id"]) for part in ("train", "validation"))
    )
    for part, data in (("training", train), ("validation", validation)):
        if not len(data.samples):
            raise ParamsError(f"there is no {part} clip; look at metrics/split.json and change `split` in params.yaml")
    return Prepared(run, train, validation, frontend, normalisation, backbone, windows, augmentation, sample_rate_hz)


def pretrain_backbone(params: DeclaredParams, inputs: Inputs, out: Path) -> str:
    """Pre-train the backbone that params.yaml selects and write its folder; return a line about it.

    Raises:
        UserError: if parameters or tables are missing or cannot be used.
    """
    collection, model = params.read("collection", str), params.read("model", str)
    prepared = prepare(params, inputs)
    run, chosen = prepared.run, prepared.run.params
    others = libraries_of(prepared.backbone, adapters=False)
    versions = {name: version(name) for name in sorted([*LIBRARIES, *(name for name, used in others.items() if used)])}
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    key = fingerprint(
        {"params": params.values, "versions": versions, "device": device, "threads": torch.get_num_threads()},
        [
            *(*loaded_code(), inputs.split, inputs.stats),
            *(inputs.selected / f"{name}.json" for name in SELECTED),
            *(folder / "clips.csv" for folder in inputs.corpora),
            *undeclared_files(prepared.augmentation),
        ],
    )
    with resume_folder(key) as folder:
        rows = pretrain(run, prepared.train, prepared.validation, folder)
        card = PretrainingCard(
            format=1,
            method=chosen.method,
            collection=collection,
            model=model,
            seed=run.seed,
            clips=len(prepared.train.samples),
            recordings=len(set(prepared.train.recordings)),
            sample_rate_hz=prepared.sample_rate_hz,
            frontend=prepared.frontend,
            normalisation=prepared.normalisation,
            backbone=prepared.backbone,
            windows=prepared.windows,
            pretraining=chosen,
            training=vars(run.regularisation),
            metrics={name: round(value, 6) for name, value in rows[-1].items()},
            versions=versions,
        )
        md5 = save_pretrained(out, run.pretext.backbone, card, rows)
    return (
        f"pretrain: {card.clips} training clips of {card.recordings} recordings in; {model} after {len(rows)} epochs of "
        f"{chosen.method} out, validation accuracy {rows[-1]['validation_accuracy']:.4f}. Start from it with "
        f"pretrained={{source: path, at: {out}, md5: {md5}}}"
    )


def _augmentation(params: PretrainingParams, selected: Path) -> AugmentParams:
    """Return what makes the two windows of a pair differ: the selected augmentation, but for what joins recordings."""
    if params.method != "contrastive":
        return AugmentParams()
    found = read_section(selected / "augmentation.json", AugmentParams)
    return found.model_copy(update=dict.fromkeys(JOINING))


JOINING = ("mix", "mixup", "sum", "concatenate", "background")
"""Augmentations that put windows of several recordings together."""
