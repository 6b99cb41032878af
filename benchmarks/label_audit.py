"""How many wrong labels an audit finds, by the way it ranks them: a line of JSON for each draw and ranking.

Run it in a repository in which `dvc repro` has run. A share of all observed labels is flipped, and each ranking is asked
for as many labels as were flipped: `precision_at_k` is the share of flipped ones among them. Where a ranking also flags
labels, `flagged`, `flagged_precision` and `flagged_recall` say how well. Planted wrong labels are put right first.

`--train` trains the selected model on the flipped labels, as a pipeline with such labels would, minutes a draw; without it
the embeddings are those of data/model, which has learnt from better labels than an audit of bad ones could have.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))  # this checkout's code, not an installed one's

import numpy as np
import pandas as pd
import typer

from instrumentarium.auditing.calibration import calibrated, logit
from instrumentarium.auditing.issues import Issues, find_issues
from instrumentarium.auditing.outoffold import (
    Known,
    neighbour_shares,
    out_of_fold_scores,
    recording_means,
    ridge_scores,
)
from instrumentarium.auditing.planted import planted_errors, score_audit
from instrumentarium.clips.collection import clips_of, corpus_folders, open_samples, read_clips
from instrumentarium.clips.labels import BoolArray, FloatArray, LabelArrays, label_arrays
from instrumentarium.runtime.section import DeclaredParams, stage_params
from instrumentarium.runtime.stage import run
from instrumentarium.splitting.folds import folds
from instrumentarium.tables.schemas import SPLIT, resolved_labels_table
from instrumentarium.tables.taxonomy import Taxonomy, read_taxonomy

FOLDS = 5
DATA = Path("data")


def put_right(known: LabelArrays, truth: Path, codes: tuple[str, ...]) -> LabelArrays:
    """Return labels without the planted errors."""
    errors = planted_errors(truth, known, codes)
    targets = known.targets if errors is None else known.targets ^ errors
    return LabelArrays(known.clip_ids, targets, known.observed)


def flip(known: LabelArrays, share: float, seed: int) -> tuple[LabelArrays, BoolArray]:
    """Return labels of which a share is flipped, and which."""
    cells = np.argwhere(known.observed)
    chosen = cells[np.random.default_rng(seed).permutation(len(cells))[: round(share * len(cells))]]
    errors = np.zeros(known.targets.shape, dtype=np.bool_)
    errors[tuple(chosen.T)] = True
    return LabelArrays(known.clip_ids, known.targets ^ errors, known.observed), errors


def table_of(known: LabelArrays, taxonomy: Taxonomy) -> pd.DataFrame:
    """Return labels as a table with a row for every observed pair."""
    rows, columns = np.nonzero(known.observed)
    return pd.DataFrame(
        {
            "clip_id": np.array(known.clip_ids)[rows],
            "instrument": np.array(taxonomy.codes)[columns],
            "relevance": known.targets[rows, columns].astype(np.float64),
        }
    )


def trained_on(
    labels: pd.DataFrame, taxonomy: Taxonomy, params: DeclaredParams, corpora: list[Path], out: Path
) -> Path:
    """Train the selected model on a table of labels, and return its folder."""
    from instrumentarium.training.run import Inputs, train

    resolved_labels_table(taxonomy).write(out / "labels.csv", labels)
    inputs = Inputs(
        corpora, out / "labels.csv", DATA / "taxonomy.json", DATA / "split.csv", DATA / "stats.json", DATA / "selected"
    )
    train(params, inputs, out / "model", out / "train.json", out / "plots")
    return out / "model"


def raw_scores(learnt: Known, kind: str, seed: int) -> FloatArray:
    """Return out-of-fold probabilities of one classifier, calibrated over all clips alike."""
    scores = np.zeros(learnt.targets.shape)
    for fold in np.unique(learnt.folds):
        held, others = learnt.folds == fold, learnt.folds != fold
        mean, deviation = learnt.embeddings[others].mean(axis=0), learnt.embeddings[others].std(axis=0)
        scaled = (learnt.embeddings - mean) / np.where(deviation > 0, deviation, np.inf)
        arrays = scaled[others], learnt.targets[others], learnt.observed[others]
        if kind == "ridge":
            scores[held] = ridge_scores(scaled[held], *arrays, np.random.default_rng([seed, int(fold)]))
        elif kind == "neighbours":
            scores[held] = logit(neighbour_shares(scaled[held], *arrays), margin=0.01)
        else:
            scores[held] = _logistic(scaled[held], *arrays)
    return calibrated(scores, learnt.targets, learnt.observed, np.full(len(scores), "all"))


def _logistic(asked: FloatArray, known: FloatArray, targets: BoolArray, observed: BoolArray) -> FloatArray:
    from sklearn.linear_model import LogisticRegression

    found = np.zeros((len(asked), targets.shape[1]))
    for column in range(targets.shape[1]):
        rows = observed[:, column]
        model = LogisticRegression(C=0.01, max_iter=500).fit(known[rows], targets[rows, column])
        found[:, column] = model.decision_function(asked)
    return found


def rankings(learnt: Known, own: FloatArray, seed: int) -> Iterator[tuple[str, Issues]]:
    """Yield each ranking's name, and what it says of the labels."""
    targets, observed = learnt.targets, learnt.observed
    nothing = np.zeros(targets.shape, dtype=np.bool_)
    chance = np.random.default_rng([seed, 99]).random(targets.shape)
    yield "random", Issues(chance, np.where(observed, chance, np.nan), nothing)
    agreeing = np.where(targets, own, 1 - own)
    yield "loss of the trained model", Issues(own, np.where(observed, agreeing, np.nan), nothing)
    for kind in ("logistic", "neighbours", "ridge"):
        yield f"cleanlab, {kind}", find_issues(raw_scores(learnt, kind, seed), targets, observed)
    both = out_of_fold_scores(learnt, seed)
    yield "cleanlab, ridge and neighbours calibrated by part", find_issues(both, targets, observed)
    yield "the audit stage: and averaged over recordings", find_issues(recording_means(both, learnt), targets, observed)


def main(
    share: Annotated[float, typer.Option(min=0.001, max=0.4, help="Of the observed labels, flipped.")] = 0.1,
    seeds: Annotated[int, typer.Option(min=1, help="Draws of flipped labels.")] = 3,
    first: Annotated[int, typer.Option(min=0, help="Seed of the first draw.")] = 0,
    train: Annotated[
        bool, typer.Option("--train", help="Train the model on the flipped labels, for each draw.")
    ] = False,
) -> None:
    """Measure how many flipped labels each ranking finds."""
    from instrumentarium.scoring.recognizer import Recognizer

    params, taxonomy = stage_params(), read_taxonomy(DATA / "taxonomy.json")
    collection = params.read("collection", str)
    corpora, split = corpus_folders(DATA / "clips" / collection), SPLIT.read(DATA / "split.csv")
    clips = clips_of(read_clips(corpora), split, "train", "validation", "test")
    labels = resolved_labels_table(taxonomy).read(DATA / "labels.csv")
    labels = labels[labels["clip_id"].isin(clips["clip_id"])]
    known = label_arrays(clips, labels, taxonomy, irmas_train_absent="negative")
    known = put_right(known, DATA / "truth" / collection, taxonomy.codes)
    recordings = clips[["clip_id"]].merge(split, on="clip_id", validate="one_to_one")["recording_id"]
    samples, results = open_samples(clips, corpora), None
    for seed in range(first, first + seeds):
        noisy, errors = flip(known, share, seed)
        stated = table_of(noisy, taxonomy)
        if train or results is None:
            with tempfile.TemporaryDirectory() as folder:
                model = trained_on(stated, taxonomy, params, corpora, Path(folder)) if train else DATA / "model"
                results = Recognizer.load(model).clips(samples)
        present = stated[stated["relevance"] > 0.5]
        learnt = Known(
            embeddings=results.embeddings.astype(np.float64),
            targets=noisy.targets,
            observed=noisy.observed,
            folds=folds(clips, present, recordings, taxonomy.codes, FOLDS, seed, runs=1).to_numpy(dtype=np.int64),
            parts=(clips["corpus"] + "/" + clips["official_split"]).to_numpy(dtype=np.str_),
            recordings=recordings.to_numpy(dtype=np.str_),
        )
        for name, issues in rankings(learnt, results.scores, seed):
            scored = score_audit(issues, errors)
            assert scored is not None
            flags = bool(issues.flagged.any())
            line = {
                "seed": seed,
                "trained_on_flipped": train,
                "ranking": name,
                "k": scored.planted,
                "precision_at_k": scored.precision_at_planted,
                "flagged": scored.flagged if flags else None,
                "flagged_precision": scored.flagged_precision,
                "flagged_recall": scored.flagged_recall if flags else None,
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    run(main)
