"""What each model of params.yaml reaches on the same clips in the same time, one line of JSON an entry and seed.

    dvc repro split
    python benchmarks/model_table.py --out table.jsonl  # every entry, three minutes of training each at most
    python benchmarks/model_table.py --out table.jsonl mn10 beats_tiny --seeds 0,1,2

Each entry is trained with its own front end, head, loss, augmentation and windows on the clips that `dvc repro split` left
in data/. How long a batch and a validation take is measured first; then as many windows an epoch, and epochs, are taken
as end within the limit, at most those of its recipe, so that the learning rate runs its whole schedule. Thresholds are
chosen on validation, metrics are of test.

Times are those of the clock, or with one thread (`OMP_NUM_THREADS=1`) of the processor, whatever else the machine does.
With `--notes`, a folder as `real_notes.py` takes it, each model is tried on real notes as well.

A line that is in the file already is not made again, so a run that was stopped goes on where it was; an entry that fails
has a line with its `error`, and is tried again by the next run.

f1_macro, map_macro     of test, thresholds as in params.yaml; `f1_interval` the 95 % interval over recordings
train_clips_per_s       windows a second in training, augmentation included, validation not
predict_windows_per_s   windows a second in scoring, from samples to probabilities
parameters, model_mb    of the model, and the size of its file of weights
notes                   of real notes: `top1` and `negatives_with_any`, each with its interval
"""

import json
import logging
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's
sys.path.insert(0, str(Path(__file__).resolve().parent))

import pandas as pd
import real_notes
import torch
import typer

from instrumentarium.clips.collection import clips_of, corpus_folders, open_samples, read_clips
from instrumentarium.clips.labels import IRMAS_TRAIN_ABSENT
from instrumentarium.clips.windows import window_starts
from instrumentarium.config.selection import Selection, Selectors, select, write_selection
from instrumentarium.config.whole import Params, load_params
from instrumentarium.evaluation.evaluation import evaluate
from instrumentarium.evaluation.systems import MODEL
from instrumentarium.frontends.build import build_frontend
from instrumentarium.frontends.device import best_device
from instrumentarium.models.modelfile import ModelCard, TrainedOn, save_model
from instrumentarium.predicting.modelsource import read_thresholds
from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.section import DeclaredParams, read_yaml
from instrumentarium.runtime.stage import run
from instrumentarium.scoring.recognizer import Recognizer
from instrumentarium.statistics.bands import normalisation_for
from instrumentarium.tables.schemas import SPLIT, resolved_labels_table
from instrumentarium.tables.taxonomy import Taxonomy
from instrumentarium.training.finetuning import own_parameters
from instrumentarium.training.fit import fit
from instrumentarium.training.params import RecipeParams
from instrumentarium.training.run import Inputs, Prepared, prepare

logger = logging.getLogger(__name__)

PROBE_BATCHES = (6, 48)
"""Of which the time is taken before a training, behind one that does not count: as many until PROBE_S have passed."""
PROBE_S = 4.0
SHARE = 0.9
"""Of the limit that is planned for; epochs differ."""
VALIDATION_SHARE = 0.25
"""Of the time that is planned for, at most, or there is one epoch."""
NOTES = ("top1", "top1_interval", "negatives_with_any", "negatives_interval")


def main(
    entries: Annotated[list[str] | None, typer.Argument(help="Keys of `models`; all of them by default.")] = None,
    out: Annotated[Path, typer.Option(help="File of lines of JSON, which grows.")] = Path("model_table.jsonl"),
    data: Annotated[Path, typer.Option(help="The folder that `dvc repro split` filled.")] = Path("data"),
    params_file: Annotated[Path, typer.Option("--params", help="The parameters.")] = Path("params.yaml"),
    seeds: Annotated[str, typer.Option(help="Seeds of the trainings, with commas between.")] = "0",
    limit_s: Annotated[float, typer.Option(help="Of each training, validation included.", min=1)] = 180.0,
    notes: Annotated[Path | None, typer.Option(help="Folder with index.csv and real notes.")] = None,
    half: Annotated[real_notes.Half | None, typer.Option(help="One half of the notes only.")] = None,
) -> None:
    """Train and score every model under one time limit."""
    params = load_params(params_file)
    known = list(params.models)
    if unknown := sorted(set(entries or ()) - set(known)):
        raise typer.BadParameter(f"{', '.join(unknown)} is no key of `models` ({', '.join(known)})")
    done = _done(out)
    for seed in map(int, seeds.split(",")):
        for entry in entries or known:
            if (entry, seed, limit_s) in done:
                logger.info("%s with seed %d is in %s already", entry, seed, out)
                continue
            try:
                row = _measure(params, params_file, data, entry, seed, limit_s, notes, half)
            except (UserError, RuntimeError, MemoryError) as error:
                row = {"error": f"{type(error).__name__}: {error}"}
            row = {"model": entry, "seed": seed, "limit_s": limit_s, **row}
            line = json.dumps(row, allow_nan=False, sort_keys=True)
            with out.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
            print(line, flush=True)


def _done(out: Path) -> set[tuple[str, int, float]]:
    lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
    rows = [json.loads(line) for line in lines if line]
    return {(row["model"], row["seed"], row["limit_s"]) for row in rows if "error" not in row}


def _measure(
    params: Params,
    params_file: Path,
    data: Path,
    entry: str,
    seed: int,
    limit_s: float,
    notes: Path | None,
    half: real_notes.Half | None,
) -> Mapping[str, object]:
    """Return a row of the table."""
    entries, collection = params.entries, params.collection
    selection, problems = select(entry, params.models[entry], collection, entries, Selectors())
    if selection is None or problems:
        raise ValueError("; ".join(problems))
    corpora = corpus_folders(data / "clips" / collection)
    with tempfile.TemporaryDirectory(prefix=f"{entry}-") as name:
        folder = Path(name)
        write_selection(selection, folder)
        _write_stats(params, selection, corpora, data, folder / "stats.json")
        values: dict[str, Any] = dict(read_yaml(params_file))  # type: ignore[call-overload]
        values["training"] = {**values["training"], "seed": seed}
        inputs = Inputs(
            corpora,
            data / "labels.csv",
            data / "taxonomy.json",
            data / "split.csv",
            folder / "stats.json",
            folder,
            data / "keys_tempos.csv",
        )

        def prepared() -> Prepared:
            return prepare(DeclaredParams(values, "train"), inputs)

        batch_s, validation_s = _time_batches(prepared())
        made = prepared()
        recipe = fitting_recipe(made.run.recipe, batch_s, validation_s, limit_s)
        began = _clock()
        history = fit(
            replace(made.run, recipe=recipe), made.data["train"], made.data["validation"], folder / "training"
        )
        took_s = _clock() - began
        save_model(folder / "model", history.best_weights, _card(params, entry, made, seed, len(history.rows)))
        scores, windows_per_s = _score(folder / "model", corpora, data, made.taxonomy)
        split = SPLIT.read(data / "split.csv")
        found = evaluate(
            {MODEL: scores},
            read_clips(corpora),
            resolved_labels_table(made.taxonomy).read(data / "labels.csv"),
            split,
            made.taxonomy,
            rule=params.evaluate.rule,
            irmas_train_absent=DeclaredParams(values, "train").read("labels.irmas_train_absent", IRMAS_TRAIN_ABSENT),
            resamples=params.evaluate.resamples,
            seed=params.seed,
        )
        size = (folder / "model" / "model.safetensors").stat().st_size
        tried = {}
        if notes is not None:
            limits = folder / "thresholds.json"
            found.systems[MODEL].thresholds.write(limits)
            recognizer = Recognizer.load(folder / "model")
            tried = real_notes.measured(notes, recognizer, read_thresholds(limits, made.taxonomy.codes)[0], half)
    test: Any = found.systems[MODEL].splits["test"]
    return {
        "f1_macro": test["f1_macro"],
        "f1_interval": [test["interval"]["f1_macro"][end] for end in ("low", "high")],
        "map_macro": test["map_macro"],
        "frontend": params.models[entry].frontend[collection],
        "epochs": len(history.rows),
        "windows_per_epoch": recipe.windows_per_epoch,
        "training_s": round(took_s, 1),
        "train_clips_per_s": round(recipe.batch_size / batch_s, 1),
        "predict_windows_per_s": round(windows_per_s, 1),
        "parameters": own_parameters(made.run.model),
        "model_mb": round(size / 1e6, 2),
        **({"notes": {key: tried[key] for key in NOTES}} if tried else {}),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
    }


def _clock() -> float:
    """Return seconds: of this process where it has a single thread, so that other work on the machine does not count."""
    return (
        time.process_time() if torch.get_num_threads() == 1 and not torch.cuda.is_available() else time.perf_counter()
    )


def fitting_recipe(recipe: RecipeParams, batch_s: float, validation_s: float, limit_s: float) -> RecipeParams:
    """Return a recipe that ends within the limit, with as many epochs as leave enough time between validations."""
    batches = max(recipe.windows_per_epoch // recipe.batch_size, 1)
    planned = SHARE * limit_s
    epochs = max(1, min(recipe.epochs, int(VALIDATION_SHARE * planned / max(validation_s, 1e-4))))
    batches = max(1, min(batches, int((planned / epochs - validation_s) / batch_s)))
    return recipe.model_copy(
        update={"epochs": epochs, "windows_per_epoch": batches * recipe.batch_size, "patience": epochs}
    )


def _time_batches(made: Prepared) -> tuple[float, float]:
    """Return seconds a batch of training, and seconds of a validation, of a model that is thrown away."""
    train, validation = made.data["train"], made.data["validation"]

    def seconds(batches: int) -> float:
        recipe = made.run.recipe.model_copy(
            update={"epochs": 1, "windows_per_epoch": batches * made.run.recipe.batch_size}
        )
        with tempfile.TemporaryDirectory() as snapshots:  # or a training would go on where the last one ended
            began = _clock()
            fit(replace(made.run, recipe=recipe), train, validation, Path(snapshots))
            return _clock() - began

    seconds(1)  # what is done once does not count
    short, (batches, most) = seconds(1), PROBE_BATCHES
    while (took_s := seconds(1 + batches) - short) < PROBE_S and batches < most:
        batches = most
    batch_s = max(took_s / batches, 1e-4)
    return batch_s, max(short - batch_s, 0.0)


def _write_stats(params: Params, selection: Selection, corpora: list[Path], data: Path, out: Path) -> None:
    rate = params.audio.sample_rate_hz
    train = clips_of(read_clips(corpora), SPLIT.read(data / "split.csv"), "train")
    normalisation = normalisation_for(
        selection.frontend.normalisation,
        build_frontend(selection.frontend, rate),
        open_samples(train, corpora),
        round(selection.windows.length_s * rate),
        best_device(),
    )
    write_json(out, normalisation.model_dump(mode="json"))


def _card(params: Params, entry: str, made: Prepared, seed: int, epochs: int) -> ModelCard:
    return ModelCard(
        format=2,
        taxonomy_name=made.taxonomy.name,
        labels=made.taxonomy.instruments,
        sample_rate_hz=made.run.sample_rate_hz,
        frontend=made.frontend,
        normalisation=made.normalisation,
        backbone=made.backbone,
        head=made.head,
        windows=made.run.windows,
        recipe={},
        trained=TrainedOn(
            collection=params.collection,
            model=entry,
            seed=seed,
            epochs=epochs,
            best_epoch=epochs,
            validation_map_macro=0.0,
        ),
        versions={},
    )


def _score(model: Path, corpora: list[Path], data: Path, taxonomy: Taxonomy) -> tuple[pd.DataFrame, float]:
    """Return the scores of validation and test, and windows a second."""
    clips = clips_of(read_clips(corpora), SPLIT.read(data / "split.csv"), "validation", "test")
    recognizer = Recognizer.load(model)
    samples = open_samples(clips, corpora)
    windows = sum(
        len(window_starts(count, recognizer.window_samples, recognizer.hop_samples)) for count in samples.n_samples
    )
    began = _clock()
    results = recognizer.clips(samples)
    took_s = _clock() - began
    scores = pd.DataFrame(results.scores.round(6), columns=list(taxonomy.codes))
    scores.insert(0, "clip_id", clips["clip_id"])
    return scores, windows / took_s


if __name__ == "__main__":
    run(main)
