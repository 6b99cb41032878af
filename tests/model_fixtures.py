"""Small models, parameters and clips, for tests that train and predict within seconds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from instrumentarium.clips.collection import ClipSamples
from instrumentarium.clips.labels import LabelArrays
from instrumentarium.clips.params import WindowsParams
from instrumentarium.frontends.build import build_frontend
from instrumentarium.frontends.normalisation import NO_NORMALISATION, Normalisation
from instrumentarium.frontends.params import AnyFrontEndParams, LogMelParams, WaveformParams
from instrumentarium.models.modelfile import ModelCard, TrainedOn
from instrumentarium.models.params import (
    AttentionHeadParams,
    BackboneParams,
    CnnParams,
    DeepHeadParams,
    HeadParams,
    LinearHeadParams,
    PerInstrumentHeadParams,
    TimmParams,
    WaveformCnnParams,
)
from instrumentarium.models.recognition import RecognitionModel, build_model
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.sealed import SEAL, sealed
from instrumentarium.tables.taxonomy import Taxonomy
from instrumentarium.training.augment.build import build_augmentations
from instrumentarium.training.augment.params import AugmentParams
from instrumentarium.training.objectives.base import TrainingLabels
from instrumentarium.training.objectives.build import build_objective
from instrumentarium.training.objectives.params import CrossEntropyParams, LossParams
from instrumentarium.training.params import RecipeParams, TrainerParams, TrainingParams
from instrumentarium.training.split_data import SplitData
from instrumentarium.training.task import TrainingRun
from taxonomies import IRMAS11

torch.set_num_threads(1)  # models this small only wait for their threads, for seconds where other processes run

RATE_HZ = 8000
FRONTEND = LogMelParams(
    kind="logmel",
    sample_rate_hz=RATE_HZ,
    n_fft=256,
    hop_length=128,
    n_mels=16,
    f_min_hz=40.0,
    f_max_hz=4000.0,
    level="absolute",
    normalisation="per_band",
)
RELATIVE = FRONTEND.model_copy(update={"level": "relative"})
WAVEFORM = WaveformParams(kind="waveform", sample_rate_hz=RATE_HZ, level="relative", normalisation="none")
NETWORK = CnnParams(kind="cnn", channels=(4, 8))
WAVEFORM_NETWORK = WaveformCnnParams(kind="waveform_cnn", channels=(4, 8))
HEAD = LinearHeadParams(kind="linear", pooling="mean_max", dropout=0.2)
MEAN_HEAD = LinearHeadParams(kind="linear", pooling="mean", dropout=0.2)
ATTENTION = AttentionHeadParams(kind="attention", dropout=0.2)
DEEP = DeepHeadParams(kind="deep", pooling="mean_max", hidden=(12, 6), dropout=0.2)
PER_INSTRUMENT = PerInstrumentHeadParams(kind="per_instrument", pooling="mean_max", hidden=(5,), dropout=0.2)
NORMALISATION = Normalisation(kind="per_band", mean=((-20.0,) * 16,), std=((15.0,) * 16,), frames=1)
WINDOWS = WindowsParams(length_s=0.5, hop_s=0.25, clip_score="mean", quietest_db=40.0, pitch_shift_semitones=1.0)
TRAINER = TrainerParams(accelerator="auto", devices=1, num_nodes=1, strategy="auto", samples="streamed", compile=False)
TRAINING = TrainingParams(
    seed=None,
    reproducible="fast",
    sampling="uniform",
    weight_decay=0.01,
    decay_norms=True,
    layer_decay=1.0,
    schedule="cosine",
    warmup_ratio=0.1,
    plateau_patience=1,
    plateau_factor=0.1,
    accumulate=1,
    ema_decay=None,
    freeze_epochs=0,
    unfreeze_from=None,
    gradient_checkpointing=False,
    lora_rank=0,
    lora_alpha=4.0,
    lora_targets=("q_proj", "v_proj"),
    max_grad_norm=5.0,
    negatives_share=0.1,
    side_inputs=(),
    side_unknown_share=0.5,
    curves="none",
    trainer=TRAINER,
)
LOSS = CrossEntropyParams(kind="bce", label_smoothing=0.02, pos_weight=1.0)
FAMILIES = tuple(instrument.family for instrument in IRMAS11.instruments)
LABELS = TrainingLabels(FAMILIES, positives=(6, 6, *[0] * 9), negatives=(12, 12, *[18] * 9))
"""Of 18 clips of `timbre_data`."""
RECIPE = RecipeParams(
    epochs=4,
    windows_per_epoch=40,
    batch_size=8,
    learning_rate=0.01,
    patience=10,
    precision="32-true",
    pretrained=False,
    windows="short",
    augmentation="strong",
)
STILL = AugmentParams()
"""No augmentation at all."""


def augmented(**parts: Mapping[str, object]) -> AugmentParams:
    """Return parameters of these augmentations alone."""
    return AugmentParams.model_validate(parts)


STRONG = augmented(
    gain={"db": 12.0},
    noise={"probability": 0.7, "snr_db": 10.0},
    equaliser={"probability": 0.7, "db": 9.0},
    band_limit={"probability": 0.5, "lowest_hz": 1000.0},
    warp={"probability": 0.5, "semitones": 3.0},
    reverberation={"probability": 0.5, "longest_s": 2.0, "strongest_db": 0.0},
    mix={"probability": 0.5, "level_db": 6.0},
    time_mask={"share": 0.2},
    band_mask={"share": 0.2},
)


@dataclass(frozen=True)
class Memory:
    """A sample store in memory."""

    samples: npt.NDArray[np.int16]

    def read(self, first_sample: int, n_samples: int) -> npt.NDArray[np.int16]:
        return self.samples[first_sample : first_sample + n_samples]


def clip_samples(clips: Sequence[npt.NDArray[np.int16]], clip_ids: Sequence[str] | None = None) -> ClipSamples:
    """Return clips as if they had been ingested one after the other."""
    counts = [len(clip) for clip in clips]
    store = Memory(np.concatenate([*clips, np.zeros(0, np.int16)]))
    return ClipSamples(
        clip_ids=tuple(clip_ids or (f"clip/{number:03d}" for number in range(len(clips)))),
        stores=(store,),
        store_of=(0,) * len(clips),
        first_sample=tuple(int(first) for first in np.cumsum([0, *counts])[:-1]),
        n_samples=tuple(counts),
    )


def noise_clips(lengths: Sequence[int], seed: int = 0) -> list[npt.NDArray[np.int16]]:
    """Return clips of noise, each at a level of its own."""
    rng = np.random.default_rng(seed)
    return [
        (rng.uniform(300, 6000) * rng.standard_normal(length)).clip(-32767, 32767).astype("<i2") for length in lengths
    ]


def timbre_clip(code: str | None, rng: np.random.Generator, duration_s: float = 1.0) -> npt.NDArray[np.int16]:
    """Return a note of cello (a pure tone, here), of clarinet (odd harmonics), or noise for None; any pitch and level."""
    time = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    pitch, level = rng.uniform(200, 400), rng.uniform(0.05, 0.5)
    harmonics = {"cel": (1,), "cla": (1, 3, 5, 7)}.get(code or "", ())
    sound = sum((np.sin(2 * np.pi * pitch * k * time + rng.uniform(0, 6)) / k for k in harmonics), np.zeros(len(time)))
    sound = sound + rng.standard_normal(len(time)) * (0.003 if harmonics else 0.3)
    return (sound * level * 16000).astype("<i2")


def label_rows(playing: Sequence[str | None], clip_ids: Sequence[str], taxonomy: Taxonomy = IRMAS11) -> LabelArrays:
    """Return fully observed labels, one instrument or none a clip."""
    targets = np.array([[code == name for code in taxonomy.codes] for name in playing], dtype=np.bool_)
    return LabelArrays(tuple(clip_ids), targets, np.ones_like(targets))


def timbre_data(count: int, seed: int) -> SplitData:
    """Return the clips of a split, of two timbres and noise in turns."""
    rng = np.random.default_rng(seed)
    playing = [("cel", "cla", None)[number % 3] for number in range(count)]
    samples = clip_samples([timbre_clip(code, rng) for code in playing])
    return SplitData(samples, label_rows(playing, samples.clip_ids))


@dataclass(frozen=True)
class Parts:
    """What a model is made of."""

    frontend: AnyFrontEndParams = RELATIVE
    backbone: BackboneParams = NETWORK
    head: HeadParams = HEAD
    taxonomy: Taxonomy = IRMAS11

    @property
    def normalisation(self) -> Normalisation:
        if not self.frontend.makes_spectra:
            return NO_NORMALISATION
        frontend = build_frontend(self.frontend, RATE_HZ)
        rows = (((-20.0,) * frontend.rows,) * frontend.channels, ((15.0,) * frontend.rows,) * frontend.channels)
        return Normalisation(kind="per_band", mean=rows[0], std=rows[1], frames=1)

    def build(self, seed: int = 0, pitch_shift_semitones: float = 0.0) -> RecognitionModel:
        torch.manual_seed(seed)
        return build_model(
            self.frontend,
            self.backbone,
            self.head,
            instruments=len(self.taxonomy),
            sample_rate_hz=RATE_HZ,
            window_samples=round(WINDOWS.length_s * RATE_HZ),
            normalisation=self.normalisation,
            pitch_shift_semitones=pitch_shift_semitones,
        )

    def card(self) -> ModelCard:
        shift = WINDOWS.pitch_shift_semitones if self.frontend.makes_spectra else 0.0
        return ModelCard(
            format=2,
            taxonomy_name=self.taxonomy.name,
            labels=self.taxonomy.instruments,
            sample_rate_hz=RATE_HZ,
            frontend=self.frontend,
            normalisation=self.normalisation,
            backbone=self.backbone,
            head=self.head,
            windows=WINDOWS.model_copy(update={"pitch_shift_semitones": shift}),
            recipe={"epochs": 4},
            trained=TrainedOn(
                collection="miniature", model="cnn", seed=1, epochs=4, best_epoch=2, validation_map_macro=0.5
            ),
            versions={"torch": torch.__version__},
        )


RAW = Parts(WAVEFORM, WAVEFORM_NETWORK, ATTENTION)
"""No spectrum, no pooled vector."""


def tiny_model(
    seed: int = 0, network: CnnParams | TimmParams = NETWORK, pitch_shift_semitones: float = 0.0
) -> RecognitionModel:
    """Return an untrained model; the seed draws its weights. As it is trained it shifts no pitch."""
    return Parts(backbone=network).build(seed, pitch_shift_semitones)


def tiny_run(
    model: RecognitionModel | None = None,
    recipe: RecipeParams = RECIPE,
    augment: AugmentParams = STRONG,
    seed: int = 1,
    loss: LossParams = LOSS,
    **training: object,
) -> TrainingRun:
    """Return a run of windows of 4000 samples, 2000 apart."""
    model = model or tiny_model()
    return TrainingRun(
        model=model,
        objective=build_objective(loss, LABELS, model.head.embedding_size),
        augmentations=build_augmentations(augment, model.frontend, RATE_HZ),
        recipe=recipe,
        training=TRAINING.model_copy(update=training),
        windows=WINDOWS,
        sample_rate_hz=RATE_HZ,
        seed=seed,
    )


def tiny_card() -> ModelCard:
    """Return the card of `tiny_model`."""
    return Parts().card()


def change_sealed(path: Path, **changes: object) -> None:
    """Change values of a sealed JSON file as if they had been written so."""
    content = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, sealed({key: value for key, value in {**content, **changes}.items() if key != SEAL}))


def bytes_below(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below `folder`, by relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def shifting_model(seed: int = 0, network: CnnParams | TimmParams = NETWORK) -> RecognitionModel:
    """Return `tiny_model` with the test-time pitch shift of `tiny_card`."""
    return tiny_model(seed, network, WINDOWS.pitch_shift_semitones)
