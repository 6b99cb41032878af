"""What each family of augmentations gives: trainings with and without it, compared over seeds, as one line of JSON.

The base is an entry of `augmentations`. A family that the base uses is taken away; one that it does not use is added, as
the first other entry that uses it has it. So a difference is always "with" less "without", of trainings that are alike in
all else, seed by seed. Run it after `dvc repro`, for key and tempo after `dvc repro -S augmentation=by_key`:

    python benchmarks/augmentation_gain.py --out data/augmentation_gain --family mixup --family polarity

Scores of every training are kept in the folder `--out`, under a name that holds all that determines them: what is there is
not trained again, so families can be measured one after another, and an interrupted run goes on.

f1_macro      at thresholds per instrument, chosen on validation; on validation itself by cross-fitting over recordings
map_macro     mean average precision
difference    mean over seeds, with a 95 % interval of a paired bootstrap over recordings, the same draws with and without
by_seed       the difference of each seed: how much training alone makes

There is no test-time pitch shift, since it needs `warp` or `pitch_shift`, which would then be measured along with it.
"""

import copy
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import numpy as np
import pandas as pd
import typer

from instrumentarium.clips.collection import clips_of, corpus_folders, open_samples, read_clips
from instrumentarium.clips.labels import label_arrays
from instrumentarium.clips.scored import ScoredClips, join_scores
from instrumentarium.config.bases import with_bases
from instrumentarium.config.selection import write_selection
from instrumentarium.config.whole import Params
from instrumentarium.evaluation.bootstrap import draw_weights, resampled_headline
from instrumentarium.evaluation.choosing import choose_thresholds, cross_fitted_predictions
from instrumentarium.evaluation.headline import headline
from instrumentarium.runtime.cache import fingerprint
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.section import DeclaredParams, ParamsError, closest, read_yaml, validate
from instrumentarium.runtime.stage import run
from instrumentarium.scoring.recognizer import Recognizer
from instrumentarium.tables.schemas import SPLIT, resolved_labels_table, scores_table
from instrumentarium.tables.taxonomy import read_taxonomy
from instrumentarium.training.augment.gallery import one_of_each
from instrumentarium.training.run import Inputs, train

ROOT = Path(__file__).resolve().parents[1]
METRICS = ("f1_macro", "map_macro")
RESAMPLES = 1000
VARIANT = "measured"
"""Name of the entry that stands in for the selected one."""


def main(
    out: Annotated[Path, typer.Option(help="Folder for the scores of each training, taken up again.")],
    family: Annotated[list[str] | None, typer.Option(help="A family; may be repeated. By default all.")] = None,
    base: Annotated[str, typer.Option(help="The entry that families are added to or taken from.")] = "strong",
    model: Annotated[str, typer.Option(help="An entry of `models`.")] = "cnn",
    seeds: Annotated[int, typer.Option(min=1, help="Trainings with each.")] = 3,
    epochs: Annotated[int | None, typer.Option(min=1, help="By default the recipe's.")] = None,
    windows: Annotated[int | None, typer.Option(min=2, help="An epoch; by default the recipe's.")] = None,
    data: Annotated[Path, typer.Option(help="What `dvc repro` left.")] = ROOT / "data",
) -> None:
    """Measure what each family of augmentations gives, with intervals."""
    values = with_bases(read_yaml(ROOT / "params.yaml"))
    params = validate(values, Params)
    if base not in params.augmentations:
        raise ParamsError(
            f"--base {base!r} is not a key of `augmentations` ({closest(base, list(params.augmentations))})"
        )
    known = {name: part.model_dump() for name, part in one_of_each(params.augmentations).items()}
    unknown = [name for name in family or () if name not in known]
    if unknown:
        raise ParamsError(f"--family {unknown[0]!r} is no augmentation ({closest(unknown[0], list(known))})")
    recipe = {key: value for key, value in (("epochs", epochs), ("windows_per_epoch", windows)) if value is not None}
    own = {name: part.model_dump() for name, part in params.augmentations[base].used.items()}
    result = {}
    for name in family or known:
        variants = {
            "with": own | {name: own.get(name, known[name])},
            "without": {k: v for k, v in own.items() if k != name},
        }
        runs: dict[str, list[ScoredClips]] = {}
        for which, entry in variants.items():
            changed = selecting(values, model, recipe, augmentation=VARIANT)
            changed["augmentations"][VARIANT] = dict(entry)
            runs[which] = [scored(changed, seed, data, out) for seed in range(seeds)]
        result[name] = {split: compared(runs["with"], runs["without"], split) for split in ("validation", "test")}
        write_json(out / f"{name}.json", result[name])
    print(json.dumps({"base": base, "model": model, "seeds": seeds, **recipe, "families": result}, allow_nan=False))


def selecting(values: dict[str, Any], model: str, recipe: Mapping[str, int], **selectors: str) -> dict[str, Any]:
    """Return the parameters with a model, what its recipe has instead, other selectors, and no test-time pitch shift."""
    changed = copy.deepcopy(values) | {"model": model} | selectors
    changed["models"][model]["recipes"][changed["collection"]] |= recipe
    for each in changed["windows"].values():
        each["pitch_shift_semitones"] = 0.0
    return changed


def scored(values: dict[str, Any], seed: int, data: Path, out: Path) -> ScoredClips:
    """Return validation and test clips as the selected model scores them that is trained with a seed, or was before."""
    changed = copy.deepcopy(values)
    changed["training"]["seed"] = seed
    params = validate(changed, Params)
    corpora, taxonomy = corpus_folders(data / "clips" / params.collection), read_taxonomy(data / "taxonomy.json")
    table, clips = scores_table(taxonomy), read_clips(corpora)
    split = SPLIT.read(data / "split.csv")
    chosen = clips_of(clips, split, "validation", "test")
    with tempfile.TemporaryDirectory(prefix="gain-") as temporary:
        folder = Path(temporary)
        selected = folder / "selected"
        write_selection(params.selection, selected)
        inputs = Inputs(
            corpora,
            data / "labels.csv",
            data / "taxonomy.json",
            data / "split.csv",
            data / "stats.json",
            selected,
            data / "keys_tempos.csv",
        )
        code = (ROOT / "src" / "instrumentarium" / room for room in ("training", "models", "frontends"))
        files = [path for room in code for path in sorted(room.rglob("*.py"))]
        files += [inputs.split, inputs.labels, inputs.stats, inputs.keys_tempos, *sorted(selected.rglob("*.json"))]
        kept = out / f"{fingerprint({'seed': seed, 'training': changed['training']}, files)}.csv"
        if not kept.exists():
            outputs = (folder / "model", folder / "train.json", folder / "plots", folder / "live")
            typer.echo(train(DeclaredParams(changed, "measured"), inputs, *outputs), err=True)
            found = Recognizer.load(folder / "model").clips(open_samples(chosen, corpora)).scores
            frame = pd.DataFrame(np.round(found, 6), columns=list(taxonomy.codes))
            frame.insert(0, "clip_id", chosen["clip_id"].to_numpy())
            out.mkdir(parents=True, exist_ok=True)
            table.write(kept, frame)
    arrays = label_arrays(
        clips,
        resolved_labels_table(taxonomy).read(data / "labels.csv"),
        taxonomy,
        irmas_train_absent=params.labels.irmas_train_absent,
    ).take(list(chosen["clip_id"]))
    return join_scores(table.read(kept), clips, arrays, split, taxonomy.codes)


def compared(having: list[ScoredClips], lacking: list[ScoredClips], split: str) -> dict[str, object]:
    """Return both sides' metrics on a split, and their differences with intervals."""
    sides = [[measured(each, split) for each in side] for side in (having, lacking)]
    found: dict[str, object] = {}
    for metric in METRICS:
        points = np.array([[point[metric] for point, _ in side] for side in sides])  # (sides, seeds)
        resampled = np.array([[draws[metric] for _, draws in side] for side in sides])  # (sides, seeds, resamples)
        differences = np.nanmean(resampled[0] - resampled[1], axis=0)
        low, high = np.nanpercentile(differences, (2.5, 97.5))
        found[metric] = {
            "with": round(float(points[0].mean()), 4),
            "without": round(float(points[1].mean()), 4),
            "difference": round(float((points[0] - points[1]).mean()), 4),
            "interval": [round(float(low), 4), round(float(high), 4)],
            "by_seed": [round(float(each), 4) for each in points[0] - points[1]],
        }
    return found


def measured(scored_clips: ScoredClips, split: str) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the metrics of one training on a split, and those of each resample of its recordings."""
    part, validation = (scored_clips.of_split(name) for name in (split, "validation"))
    truth = (validation.targets, validation.scores, validation.observed, validation.recordings)
    if split == "validation":
        predictions = cross_fitted_predictions(*truth)["per_instrument"]
    else:
        predictions = choose_thresholds(*truth, codes=part.codes, rule="per_instrument").predict(part.scores)
    weights = draw_weights(part.recordings, RESAMPLES, seed=0)
    return dict(headline(part, predictions)), dict(resampled_headline(part, predictions, weights))


if __name__ == "__main__":
    run(main)
