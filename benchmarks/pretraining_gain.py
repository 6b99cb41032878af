"""What pre-training without labels gives: trainings that start from it and from scratch, over seeds, as a line of JSON.

Of the training recordings' labels a share is kept, at least one recording of each instrument and corpus; pre-training has
all of the training recordings, none of the labels, and nothing of validation and test. Trainings are alike in all else,
seed by seed; a seed draws which labels are kept, too. Run it after `dvc repro`, here with fewer epochs than recipes have:

    python benchmarks/pretraining_gain.py --out data/pretraining_gain --share 0.1 --share 1.0 --epochs 6

Scores of every training and the weights of every pre-training are kept in the folder `--out`, under a name that holds all
that determines them: what is there is not made again, so an interrupted run goes on.

with, without  starting from pre-trained weights, and from scratch: means over seeds
f1_macro       at thresholds per instrument, chosen on validation; on validation itself by cross-fitting over recordings
map_macro      mean average precision
difference     mean over seeds, with a 95 % interval of a paired bootstrap over recordings, the same draws with and without
by_seed        the difference of each seed: how much training alone makes
pretext        loss and accuracy of the pretext task after its last epoch, for each seed

Nothing is chosen by test: the epoch that is kept is the best on validation, and all methods are reported. There is no
test-time pitch shift, which would triple the time of scoring.
"""

import copy
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import numpy.typing as npt
import pandas as pd
import typer
from augmentation_gain import compared

from instrumentarium.clips.collection import clips_of, corpus_folders, open_samples, read_clips
from instrumentarium.clips.labels import LabelArrays, label_arrays
from instrumentarium.clips.scored import ScoredClips, join_scores
from instrumentarium.config.bases import with_bases
from instrumentarium.config.selection import write_selection
from instrumentarium.config.whole import Params
from instrumentarium.pretraining.run import Inputs as PretrainingInputs
from instrumentarium.pretraining.run import pretrain_backbone
from instrumentarium.runtime.cache import fingerprint
from instrumentarium.runtime.files import write_json
from instrumentarium.runtime.jsonfile import read_json
from instrumentarium.runtime.section import DeclaredParams, read_yaml, validate
from instrumentarium.runtime.stage import run
from instrumentarium.scoring.recognizer import Recognizer
from instrumentarium.tables.schemas import SPLIT, resolved_labels_table, scores_table
from instrumentarium.tables.taxonomy import read_taxonomy
from instrumentarium.training.run import Inputs, train

ROOT = Path(__file__).resolve().parents[1]
METHODS = ("masked", "patch_shuffle", "contrastive")
CODE = ("training", "pretraining", "models", "frontends")


def main(
    out: Annotated[Path, typer.Option(help="Folder for what each training scored, taken up again.")],
    method: Annotated[list[str] | None, typer.Option(help="May be repeated. By default all.")] = None,
    share: Annotated[list[float] | None, typer.Option(help="Of labelled recordings; may be repeated.")] = None,
    model: Annotated[str, typer.Option(help="An entry of `models`.")] = "cnn",
    seeds: Annotated[int, typer.Option(min=1, help="Trainings with each.")] = 3,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of training; by default the recipe's.")] = None,
    windows: Annotated[int | None, typer.Option(min=2, help="A training epoch; by default the recipe's.")] = None,
    pretraining_epochs: Annotated[int | None, typer.Option(min=1, help="By default those of params.yaml.")] = None,
    data: Annotated[Path, typer.Option(help="What `dvc repro` left.")] = ROOT / "data",
) -> None:
    """Measure what each method of pre-training gives, with intervals."""
    values = with_bases(read_yaml(ROOT / "params.yaml"))
    recipe = {key: value for key, value in (("epochs", epochs), ("windows_per_epoch", windows)) if value is not None}
    if pretraining_epochs is not None:
        values["pretraining"]["epochs"] = pretraining_epochs
    values["model"] = model
    values["models"][model]["recipes"][values["collection"]] |= recipe
    bench = Bench(values, data, out)
    found: dict[str, Any] = {
        "model": model,
        "seeds": seeds,
        **recipe,
        "pretraining": {key: values["pretraining"][key] for key in ("epochs", "windows_per_epoch")},
        "pretext": {},
        "shares": {},
    }
    for labelled in share or (0.1, 1.0):
        scratch: list[ScoredClips] = []
        having: dict[str, list[ScoredClips]] = {each: [] for each in method or METHODS}
        for seed in range(seeds):
            scratch.append(bench.scored(labelled, seed, None))
            for each, runs in having.items():
                folder = bench.pretrained(each, seed)
                found["pretext"].setdefault(each, {})[str(seed)] = read_json(folder / "pretraining.json")["metrics"]
                runs.append(bench.scored(labelled, seed, folder))
            found["shares"][f"{labelled:g}"] = {
                each: {split: compared(runs, scratch, split) for split in ("validation", "test")}
                for each, runs in having.items()
            }
            write_json(out / "found.json", found)  # of the seeds so far
    print(json.dumps(found, allow_nan=False))


class Bench:
    """Trainings on what a pipeline left in `data`, each made once and kept in `out`."""

    def __init__(self, values: dict[str, Any], data: Path, out: Path) -> None:
        self.values, self.data, self.out = values, data, out
        for each in values["windows"].values():
            each["pitch_shift_semitones"] = 0.0
        params = validate(values, Params)
        self.corpora = corpus_folders(data / "clips" / values["collection"])
        self.taxonomy, self.clips = read_taxonomy(data / "taxonomy.json"), read_clips(self.corpora)
        self.split = SPLIT.read(data / "split.csv")
        labels = resolved_labels_table(self.taxonomy).read(data / "labels.csv")
        absent = params.labels.irmas_train_absent
        self.labels = label_arrays(self.clips, labels, self.taxonomy, irmas_train_absent=absent)
        code = [path for room in CODE for path in sorted((ROOT / "src" / "instrumentarium" / room).rglob("*.py"))]
        self.files = [*code, data / "split.csv", data / "labels.csv", data / "stats.json"]

    def selected(self, values: dict[str, Any], folder: Path) -> Path:
        """Write what parameters select."""
        write_selection(validate(values, Params).selection, folder / "selected")
        return folder / "selected"

    def pretrained(self, method: str, seed: int) -> Path:
        """Return the folder of pre-trained weights."""
        values = copy.deepcopy(self.values)
        values["pretraining"]["method"] = method
        values["training"]["seed"] = seed
        determined = {key: values[key] for key in ("model", "pretraining", "training")}
        folder = self.out / fingerprint(determined, self.files)
        if not (folder / "pretraining.json").exists():
            with tempfile.TemporaryDirectory(prefix="pretraining-gain-") as temporary:
                selected = self.selected(values, Path(temporary))
                inputs = PretrainingInputs(self.corpora, self.data / "split.csv", self.data / "stats.json", selected)
                typer.echo(pretrain_backbone(DeclaredParams(values, "pretrain"), inputs, folder), err=True)
        return folder

    def scored(self, share: float, seed: int, folder: Path | None) -> ScoredClips:
        """Return validation and test clips as a model scores them that starts from a folder, or from scratch."""
        values = copy.deepcopy(self.values)
        recipe = values["models"][values["model"]]["recipes"][values["collection"]]
        values["training"]["seed"] = seed
        if folder is not None:
            md5 = read_json(folder / "pretraining.json")["weights_md5"]
            recipe["pretrained"] = {"source": "path", "at": str(folder), "md5": md5}
        start = {"pretrained": md5} if folder is not None else {}
        determined = {"share": share, "model": values["model"], "recipe": {**recipe, **start}, "seed": seed}
        kept = self.out / f"{fingerprint({**determined, 'training': values['training']}, self.files)}.csv"
        chosen = clips_of(self.clips, self.split, "validation", "test")
        table = scores_table(self.taxonomy)
        if not kept.exists():
            with tempfile.TemporaryDirectory(prefix="pretraining-gain-") as temporary:
                there = Path(temporary)
                SPLIT.write(there / "split.csv", labelled_share(self.split, self.labels, share, seed))
                inputs = Inputs(
                    self.corpora,
                    self.data / "labels.csv",
                    self.data / "taxonomy.json",
                    there / "split.csv",
                    self.data / "stats.json",
                    self.selected(values, there),
                    self.data / "keys_tempos.csv",
                )
                outputs = (there / "model", there / "train.json", there / "plots", there / "live")
                typer.echo(train(DeclaredParams(values, "measured"), inputs, *outputs), err=True)
                found = Recognizer.load(there / "model").clips(open_samples(chosen, self.corpora)).scores
            frame = pd.DataFrame(np.round(found, 6), columns=list(self.taxonomy.codes))
            frame.insert(0, "clip_id", chosen["clip_id"].to_numpy())
            self.out.mkdir(parents=True, exist_ok=True)
            table.write(kept, frame)
        arrays = self.labels.take(list(chosen["clip_id"]))
        return join_scores(table.read(kept), self.clips, arrays, self.split, self.taxonomy.codes)


def labelled_share(split: pd.DataFrame, labels: LabelArrays, share: float, seed: int) -> pd.DataFrame:
    """Return a split in which only a share of the training recordings is left, by corpus and first instrument.

    At least one recording is kept of each; validation and test stay whole.
    """
    training = split[split["split"] == "train"]
    names = _groups(training["clip_id"].tolist(), labels)
    groups = pd.Series(names, index=training.index).groupby(training["recording_id"]).min()
    rng = np.random.default_rng(seed)
    kept: list[str] = []
    for _, recordings in sorted(groups.groupby(groups).groups.items()):
        count = max(round(share * len(recordings)), 1)
        kept += rng.permutation(np.array(sorted(recordings), dtype=object))[:count].tolist()
    left = (split["split"] != "train") | split["recording_id"].isin(kept)
    return split[left].reset_index(drop=True)


def _groups(clip_ids: Sequence[str], labels: LabelArrays) -> list[str]:
    """Return corpus and first instrument of each clip, by which a share is drawn."""
    present: npt.NDArray[np.bool_] = labels.take(clip_ids).targets
    first = np.where(present.any(axis=1), present.argmax(axis=1), present.shape[1])
    return [f"{clip_id.partition('/')[0]}/{place:03d}" for clip_id, place in zip(clip_ids, first, strict=True)]


if __name__ == "__main__":
    run(main)
