import json

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sk

from instrumentarium.clips.labels import LabelError, label_arrays
from instrumentarium.clips.scored import ScoredClipsError, join_scores
from instrumentarium.evaluation import EvaluationError, Thresholds, catalogue, evaluate, write_evaluation
from instrumentarium.evaluation.evaluation import evaluate_systems
from instrumentarium.evaluation.trivial import TRIVIAL_SYSTEMS
from taxonomies import BAND3, IRMAS11

CODES = IRMAS11.codes

HEADLINE = ("f1_macro", "f1_micro", "lrap", "map_macro", "auroc_macro", "hamming", "hamming_all_zeros")
PLOTS = {
    *("roc", "precision_recall", "confusion", "confusion_counts", "confusion_per_instrument", "per_instrument"),
    *("scores", "reliability", "thresholds"),
}


DECLARED = {
    *("f1_macro", "f1_micro", "map_macro", "auroc_macro", "lrap", "false_instrument_rate", "validation_map_macro"),
}


def run(tables, rule="per_instrument", taxonomy=IRMAS11, **others):
    t, settings = tables, {"irmas_train_absent": "negative", "resamples": 200, "seed": 5}
    return evaluate({"model": t.scores, **others}, t.clips, t.labels, t.split, taxonomy, rule=rule, **settings)


def write(found, folder, taxonomy=IRMAS11):
    """Write all files of an evaluation into a folder, as the stage would lay them out."""
    write_evaluation(
        found,
        taxonomy,
        metrics=folder / "metrics/evaluate.json",
        instruments=folder / "metrics/instruments.json",
        content=folder / "data/evaluation.json",
        thresholds=[folder / "data/thresholds.json"],
        table=folder / "data/metrics.csv",
        plots=folder / "plots",
    )
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def strict(path):
    return json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@pytest.fixture(scope="module")
def plain(make_tables):
    """The evaluation of the tables as they are drawn; read it, change nothing."""
    return run(make_tables())


def test_metrics_hold_the_names_that_others_rely_on(plain):
    metrics = plain.metrics
    assert list(metrics) == ["test", "validation"]
    for part in metrics.values():
        assert all(isinstance(part[name], float) for name in HEADLINE)
        assert {"f1_samples", "exact_match", "coverage_error", "brier", "clips", "recordings"} <= set(part)
        assert list(part["per_instrument"]) == list(CODES)
        for values in part["per_instrument"].values():
            assert {"f1", "precision", "recall", "ap", "auroc", "threshold"} <= set(values)
            assert {"positives", "negatives", "unobserved", "songs"} <= set(values)
            assert sum(values[key] for key in ("positives", "negatives", "unobserved")) == part["clips"]
        assert set(part["per_corpus"]) == {"irmas", "openmic", "esc50"}
        assert sum(corpus["clips"] for corpus in part["per_corpus"].values()) == part["clips"]
        assert set(part["rules"]) == {"fixed", "global", "per_instrument"}
        assert part["rules"]["per_instrument"] == {"f1_macro": part["f1_macro"], "f1_micro": part["f1_micro"]}
        assert list(part)[:2] == ["f1_macro", "f1_micro"]


def test_test_metrics_equal_scikit_learns_on_fully_labelled_clips(make_tables):
    tables = make_tables()
    evaluation = run(tables)
    irmas = tables.split[(tables.split["split"] == "test") & tables.split["clip_id"].str.startswith("irmas")]["clip_id"]
    truth = tables.labels.pivot(index="clip_id", columns="instrument", values="relevance").loc[irmas, list(CODES)] > 0.5
    scores = tables.scores.set_index("clip_id").loc[irmas, list(CODES)]
    thresholds = np.array([evaluation.thresholds.per_instrument[code] for code in CODES])
    values = evaluation.metrics["test"]["per_corpus"]["irmas"]
    predictions = scores.to_numpy() >= thresholds
    assert values["f1_macro"] == pytest.approx(sk.f1_score(truth, predictions, average="macro"), abs=1e-6)
    assert values["f1_micro"] == pytest.approx(sk.f1_score(truth, predictions, average="micro"), abs=1e-6)
    assert values["map_macro"] == pytest.approx(sk.average_precision_score(truth, scores), abs=1e-6)
    assert values["auroc_macro"] == pytest.approx(sk.roc_auc_score(truth, scores), abs=1e-6)


def test_a_perfect_model_scores_one_and_finds_nothing_in_negatives(make_tables):
    evaluation = run(make_tables(skill=30))
    for part in evaluation.metrics.values():
        for name in (
            "f1_macro",
            "f1_micro",
            "f1_samples",
            "lrap",
            "map_macro",
            "auroc_macro",
            "hamming",
            "exact_match",
        ):
            assert part[name] == 1, name
        assert part["negatives"]["clips"] >= 30
        assert part["negatives"]["false_instrument_rate"] == 0


def test_every_headline_and_instrument_has_an_interval_around_it(plain):
    for part in plain.metrics.values():
        assert (part["interval"]["resamples"], part["interval"]["seed"]) == (200, 5)
        names = {*HEADLINE, "f1_samples", "exact_match", "coverage_error", "brier", "ece_mean"} - {"hamming_all_zeros"}
        assert set(part["interval"]) == {*names, "false_instrument_rate", "resamples", "seed"}
        for name in names:
            ends = part["interval"][name]
            assert ends["low"] < part[name] < ends["high"], name
        for values in part["per_instrument"].values():
            assert set(values["interval"]) == {"f1", "precision", "recall", "ap", "auroc"}
            for name, ends in values["interval"].items():
                assert ends["low"] <= values[name] <= ends["high"], name
        for values in part["calibration"]["per_instrument"].values():
            assert set(values["interval"]) == {"ece", "brier"}
            for name, ends in values["interval"].items():
                assert ends["low"] <= values[name] <= ends["high"], name


def test_intervals_repeat_with_their_seed(plain, make_tables):
    first, again = plain.metrics["test"], run(make_tables()).metrics["test"]
    assert first["interval"] == again["interval"]


def test_trivial_systems_and_the_headline_are_of_the_same_clips(plain):
    test = plain.metrics["test"]
    positives = sum(values["positives"] for values in test["per_instrument"].values())
    negatives = sum(values["negatives"] for values in test["per_instrument"].values())
    assert test["hamming_all_zeros"] == pytest.approx(negatives / (positives + negatives), abs=1e-6)
    trivial = {name: plain.systems[name].splits["test"] for name in TRIVIAL_SYSTEMS}
    assert {"f1_macro": 0.0, "f1_micro": 0.0, "hamming": test["hamming_all_zeros"]}.items() <= trivial[
        "all_zeros"
    ].items()
    assert trivial["all_ones"]["f1_micro"] == pytest.approx(2 * positives / (2 * positives + negatives), abs=1e-6)
    assert {found["clips"] for found in trivial.values()} == {test["clips"]}
    for name, found in trivial.items():
        assert found["f1_macro"] < test["f1_macro"], name
        assert found["map_macro"] < test["map_macro"], name
        assert found["auroc_macro"] == pytest.approx(0.5, abs=0.08), name


def test_labels_of_test_clips_have_no_say_in_the_thresholds(plain, make_tables):
    tables, expected = make_tables(), plain
    of_test = tables.labels["clip_id"].isin(tables.split[tables.split["split"] == "test"]["clip_id"])
    tables.labels.loc[of_test, "relevance"] = 1 - tables.labels.loc[of_test, "relevance"]
    changed = run(tables)
    assert changed.thresholds == expected.thresholds
    assert changed.metrics["validation"] == expected.metrics["validation"]
    assert changed.metrics["test"]["f1_macro"] != expected.metrics["test"]["f1_macro"]


def test_labels_of_validation_clips_move_test_metrics_only_through_thresholds(make_tables):
    tables = make_tables()
    expected = run(tables, rule="fixed").metrics["test"]
    of_validation = tables.labels["clip_id"].isin(tables.split[tables.split["split"] == "validation"]["clip_id"])
    tables.labels.loc[of_validation, "relevance"] = 1 - tables.labels.loc[of_validation, "relevance"]
    changed = run(tables, rule="fixed").metrics["test"]
    assert {key: changed[key] for key in HEADLINE} == {key: expected[key] for key in HEADLINE}
    assert changed["rules"]["global"] != expected["rules"]["global"]


def test_the_order_of_the_tables_changes_nothing(plain, make_tables, tmp_path):
    tables = make_tables()
    first = write(plain, tmp_path / "a")
    for name in ("scores", "clips", "labels", "split"):
        setattr(tables, name, getattr(tables, name).sample(frac=1, random_state=1))
    other = write(run(tables), tmp_path / "b")
    assert len(first) == 5 + len(PLOTS)
    assert {name: path.read_bytes() for name, path in first.items()} == {
        name: path.read_bytes() for name, path in other.items()
    }


def test_files_are_strict_json_with_one_plot_row_a_line(make_tables, tmp_path):
    tables = make_tables()
    silent = tables.labels["instrument"] == "cla"
    tables.labels.loc[silent, "relevance"] = 0.0
    evaluation = run(tables)
    files = write(evaluation, tmp_path)
    metrics = strict(files["data/evaluation.json"])
    assert metrics["test"]["per_instrument"]["cla"]["f1"] is None
    assert metrics["test"]["per_instrument"]["cla"]["positives"] == 0
    assert metrics["test"]["instruments_with_positives"] == 10
    assert strict(files["metrics/instruments.json"])["cla"] == {"f1": None, "ap": None}
    assert Thresholds.read(files["data/thresholds.json"], CODES) == evaluation.thresholds
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {f"{plot}.json" for plot in PLOTS}
    for plot in PLOTS:
        text = (tmp_path / "plots" / f"{plot}.json").read_text()
        rows = strict(tmp_path / "plots" / f"{plot}.json")
        assert rows == IRMAS11.named(evaluation.plots[plot])
        assert len(text.splitlines()) == len(rows) + 2
        assert all(set(row) == set(rows[0]) for row in rows), "dvc drops files whose rows differ in their columns"


def test_the_summary_names_metrics_clips_and_thresholds(make_tables):
    evaluation = run(make_tables(), rule="global")
    test = evaluation.metrics["test"]
    ends = test["interval"]["f1_macro"]
    around = f"({ends['low']:.2f}-{ends['high']:.2f})"
    assert evaluation.summary().startswith(
        f"macro F1 {test['f1_macro']:.3f} {around}, micro F1 {test['f1_micro']:.3f} ("
    )
    assert evaluation.summary().endswith("global thresholds from validation")


def test_a_test_set_as_large_as_the_official_one_is_evaluated(make_tables):
    tables = make_tables(songs=650)
    assert len(tables.scores) > 2874
    assert run(tables).metrics["test"]["clips"] * 2 > 2874


def drop_a_score(tables):
    tables.scores = tables.scores[1:]


def score_an_unknown_clip(tables):
    tables.scores.loc[0, "clip_id"] = "irmas/unheard"
    tables.scores = pd.concat([tables.scores, tables.scores.iloc[1:2].assign(clip_id="irmas/0000-0")])


def score_a_training_clip(tables):
    tables.scores = pd.concat([tables.scores, tables.scores[:1].assign(clip_id="irmas/training")])


def score_a_clip_twice(tables):
    tables.scores = pd.concat([tables.scores, tables.scores[:1]])


def split_a_clip_twice(tables):
    tables.split = pd.concat([tables.split, tables.split[:1]])


def lose_a_column(tables):
    tables.scores = tables.scores.drop(columns="voi")


def lose_a_clip(tables):
    tables.clips = tables.clips[1:]
    tables.labels = tables.labels[tables.labels["clip_id"].isin(tables.clips["clip_id"])]


def straddle(tables):
    tables.split.loc[tables.split["recording_id"] == "irmas/0001", "recording_id"] = "irmas/0000"


def test_nothing(tables):
    tables.split["split"] = tables.split["split"].replace("test", "train")
    kept = tables.split[tables.split["split"] == "validation"]["clip_id"]
    tables.scores = tables.scores[tables.scores["clip_id"].isin(kept)]


test_nothing.__test__ = False


def silence(tables):
    tables.labels["relevance"] = 0.0


def break_a_score(tables):
    tables.scores.loc[3, "cel"] = float("nan")


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (
            drop_a_score,
            ScoredClipsError,
            r"system model: 1 of \d+ clips .* 'irmas/0000-0'.*run `dvc repro score`",
        ),
        (score_an_unknown_clip, ScoredClipsError, "scores for 1 clips that are not in split .*, first 'irmas/unheard'"),
        (score_a_training_clip, ScoredClipsError, "scores for 1 clips that are not in split validation or test"),
        (score_a_clip_twice, ScoredClipsError, "clip 'irmas/0000-0' occurs more than once in the scores table"),
        (split_a_clip_twice, ScoredClipsError, "clip 'irmas/0000-0' occurs more than once in the split table"),
        (lose_a_column, ScoredClipsError, "scores have columns clip_id, cel, .*, vio; they must have clip_id, cel"),
        (lose_a_clip, ScoredClipsError, "1 clips of the split are not in the table of clips, first 'irmas/0000-0'"),
        (straddle, ScoredClipsError, "1 recordings occur in more than one split, first 'irmas/0000'"),
        (test_nothing, ScoredClipsError, "no clip is in split 'test'; evaluation needs clips in validation and test"),
        (silence, EvaluationError, "no instrument has an observed positive among the .* validation clips"),
        (break_a_score, ValueError, "1 scores are not probabilities, first nan"),
    ],
)
def test_tables_that_do_not_fit_are_refused(make_tables, damage, error, message):
    tables = make_tables()
    damage(tables)
    with pytest.raises(error, match=message):
        run(tables)


def test_labels_that_do_not_fit_are_refused(make_tables):
    tables = make_tables()
    tables.labels.loc[0, "instrument"] = "sitar"
    with pytest.raises(LabelError, match="unknown instrument 'sitar'"):
        run(tables)


def test_parts_negatives_and_bounds_are_stated(plain):
    evaluation = plain
    part = evaluation.metrics["test"]
    assert part["thresholds_from"] == "validation"
    assert "cross-fitted" in evaluation.metrics["validation"]["thresholds_from"]
    assert sum(group["clips"] for group in part["by_labels"].values()) == part["clips"]
    assert part["by_genre"]["cla"]["clips"] == part["clips"] - part["per_corpus"]["esc50"]["clips"]
    assert part["oracle"]["f1_macro"] >= part["f1_macro"]
    negatives = part["negatives"]
    assert negatives["by_group"]["other"]["clips"] == part["per_corpus"]["esc50"]["clips"]
    assert sum(group["clips"] for group in negatives["by_group"].values()) == negatives["clips"]
    assert negatives["interval"] == part["interval"]["false_instrument_rate"]
    assert 0 < part["calibration"]["temperature"] == evaluation.thresholds.temperature
    assert set(part["calibration"]["per_instrument"]) == set(CODES)


def test_thresholds_for_the_official_test_set_of_irmas_come_from_the_other_half_of_its_songs(plain):
    metrics = plain.metrics
    whole = metrics["test"]["official_irmas"]
    parts = [metrics[name]["per_corpus"]["irmas"] for name in ("test", "validation")]
    assert whole["clips"] == sum(part["clips"] for part in parts)
    assert whole["recordings"] == sum(part["recordings"] for part in parts)
    assert whole["interval"]["f1_macro"]["low"] <= whole["f1_macro"] <= whole["interval"]["f1_macro"]["high"]
    assert whole["oracle"]["f1_macro"] >= whole["f1_macro"]


def test_training_clips_of_irmas_are_none_of_its_official_test_set(plain, make_tables):
    tables = make_tables()
    of_song = tables.clips["clip_id"].str.startswith("irmas/0001-")
    tables.clips.loc[of_song, "official_split"] = "train"
    whole = run(tables).metrics["test"]["official_irmas"]
    assert whole["clips"] == plain.metrics["test"]["official_irmas"]["clips"] - of_song.sum()


def test_trivial_systems_never_listen(plain, make_tables):
    scores = make_tables().scores
    other = make_tables()
    other.scores = scores.assign(**dict.fromkeys(CODES, 0.5))
    found = run(other)
    for name in TRIVIAL_SYSTEMS:
        assert found.systems[name].splits == plain.systems[name].splits
        assert found.systems[name].thresholds == plain.systems[name].thresholds


def test_the_label_prior_of_a_clip_knows_no_label_of_its_recording(make_tables):
    tables = make_tables()
    before = run(tables).systems["label_prior"]
    of_test = tables.labels["clip_id"].isin(tables.split[tables.split["split"] == "test"]["clip_id"])
    tables.labels.loc[of_test, "relevance"] = 1 - tables.labels.loc[of_test, "relevance"]
    after = run(tables).systems["label_prior"]
    assert after.thresholds == before.thresholds
    assert after.splits["validation"] == before.splits["validation"]


def test_systems_stand_side_by_side_each_evaluated_as_the_model_is(plain, make_tables):
    better = make_tables(skill=4.0).scores
    found = run(make_tables(), resnext=better, copy=make_tables().scores)
    assert list(found.systems) == ["model", "copy", "resnext", *TRIVIAL_SYSTEMS]
    assert found.metrics == plain.metrics
    assert found.systems["copy"].splits == found.systems["model"].splits
    assert found.systems["copy"].thresholds == found.systems["model"].thresholds
    assert found.systems["model"].difference is None
    for each in found.systems["copy"].difference.values():
        assert (each["difference"], each["p"]) == (0.0, 1.0)
    gain = found.systems["resnext"].difference["f1_macro"]
    values = (found.systems[name].splits["test"]["f1_macro"] for name in ("resnext", "model"))
    assert gain["difference"] == pytest.approx(np.subtract(*values), abs=2e-6)
    assert gain["low"] <= gain["difference"] <= gain["high"]
    assert 0 < gain["p"] <= 1
    alone = run(make_tables(skill=4.0))
    assert found.systems["resnext"].splits == alone.systems["model"].splits
    assert found.systems["resnext"].thresholds == alone.systems["model"].thresholds
    assert found.systems["resnext"].thresholds != found.thresholds
    for splits in (each.splits for each in found.systems.values()):
        assert set(splits) == {"test", "validation"}
        for values in splits.values():
            assert set(catalogue.KEYS) <= set(values)
            ends = values["interval"]["f1_macro"]
            assert ends["low"] <= values["f1_macro"] <= ends["high"]
    content = found.content()
    assert list(content) == ["test", "validation", "systems"]
    for name in catalogue.KEYS:
        assert content["systems"]["model"][name] == content["test"][name]
        assert content["systems"]["model"]["validation"][name] == content["validation"][name]
    assert Thresholds.model_validate(content["systems"]["resnext"]["thresholds"]) == alone.thresholds


def test_systems_that_cannot_stand_beside_others_are_refused(make_tables):
    tables = make_tables()
    with pytest.raises(EvaluationError, match="'random' is the name of a trivial system; rename"):
        run(tables, random=tables.scores)
    with pytest.raises(ScoredClipsError, match=r"system short: 1 of \d+ clips have no scores"):
        run(tables, short=tables.scores[1:])
    with pytest.raises(EvaluationError, match="no scores of the system 'model', found resnext; run `dvc repro score`"):
        evaluate(
            *({"resnext": tables.scores}, tables.clips, tables.labels, tables.split, IRMAS11),
            rule="fixed",
            irmas_train_absent="negative",
            resamples=100,
            seed=1,
        )


def test_dvc_is_shown_exactly_seven_metrics_the_headline_first(plain, tmp_path):
    files = write(plain, tmp_path)
    declared = strict(files["metrics/evaluate.json"])
    assert set(declared) == DECLARED
    assert next(iter(declared)) == "f1_macro"
    for name, value in declared.items():
        part, metric = ("validation", name[11:]) if name.startswith("validation_") else ("test", name)
        assert value == round(plain.metrics[part][metric], 4)
    instruments = strict(files["metrics/instruments.json"])
    assert list(instruments) == list(CODES)
    for code, found in instruments.items():
        assert found == {name: round(plain.metrics["test"]["per_instrument"][code][name], 4) for name in ("f1", "ap")}


def test_other_instruments_are_evaluated_alike(make_tables, tmp_path):
    found = run(make_tables(taxonomy=BAND3, skill=3.0), taxonomy=BAND3)
    files = write(found, tmp_path)
    assert list(strict(files["metrics/instruments.json"])) == ["banjo", "bass", "steel_drums"]
    assert found.metrics["test"]["f1_macro"] > 0.8
    assert Thresholds.read(files["data/thresholds.json"]).codes == BAND3.codes
    order = list(dict.fromkeys(row["instrument"] for row in strict(files["plots/roc.json"])))
    assert order == [*BAND3.codes, "micro", "macro"]
    perfect = run(make_tables(taxonomy=BAND3, skill=30), taxonomy=BAND3)
    assert (perfect.metrics["test"]["f1_macro"], perfect.metrics["test"]["map_macro"]) == (1, 1)


@pytest.mark.parametrize("split", ["test", "validation"])
def test_an_instrument_without_positives_has_no_value_and_does_not_count(make_tables, tmp_path, split):
    tables = make_tables(skill=30)
    mine = tables.labels["clip_id"].isin(tables.split[tables.split["split"] == split]["clip_id"])
    tables.labels.loc[mine & (tables.labels["instrument"] == "org"), "relevance"] = 0.0
    tables.scores.loc[tables.scores["clip_id"].isin(tables.labels[mine]["clip_id"]), "org"] = 0.0
    found = run(tables)
    files = write(found, tmp_path)
    of_org = found.metrics[split]["per_instrument"]["org"]
    assert [of_org[name] for name in ("f1", "recall", "precision", "ap", "auroc", "positives")] == [*[None] * 5, 0]
    assert found.metrics[split]["f1_macro"] == 1
    assert found.metrics[split]["instruments_with_positives"] == 10
    assert all(end is None for ends in of_org["interval"].values() for end in ends.values())
    if split == "test":
        assert strict(files["metrics/instruments.json"])["org"] == {"f1": None, "ap": None}
    else:
        assert found.thresholds.unshrunk["org"] is None
        assert found.thresholds.per_instrument["org"] == found.thresholds.global_


def test_without_negative_clips_there_is_no_false_instrument_rate(make_tables, tmp_path):
    tables = make_tables()
    kept = ~tables.clips["clip_id"].str.startswith("esc50")
    tables.clips = tables.clips[kept]
    for name in ("scores", "labels", "split"):
        table = getattr(tables, name)
        setattr(tables, name, table[~table["clip_id"].str.startswith("esc50")])
    silent = tables.labels.groupby("clip_id")["relevance"].max() == 0
    known = tables.labels["clip_id"].isin(silent[silent].index) & (tables.labels["instrument"] == "cel")
    tables.labels.loc[known, "relevance"] = 1.0
    assert strict(write(run(tables), tmp_path)["metrics/evaluate.json"])["false_instrument_rate"] is None


def test_the_catalogue_has_a_row_for_every_metric_and_no_other(plain):
    test = plain.metrics["test"]
    assert set(catalogue.KEYS) <= set(test)
    assert set(test["interval"]) - {"resamples", "seed"} == set(catalogue.KEYS) - {"hamming_all_zeros"}
    assert set(test["per_instrument"]["cel"]["interval"]) == {each.key for each in catalogue.PER_INSTRUMENT}
    assert {*catalogue.DECLARED, f"validation_{catalogue.SELECTED_BY}"} == DECLARED
    for each in (*catalogue.METRICS, *catalogue.PER_INSTRUMENT):
        assert catalogue.metric(each.key) is each
        assert each.what
        assert each.label
    perfect, worst = plain.systems["model"].splits["test"], plain.systems["all_zeros"].splits["test"]
    for key in ("brier", "ece_mean", "coverage_error"):
        assert key in catalogue.LOWER_IS_BETTER
        assert perfect[key] < worst[key]
    assert {"f1_macro", "f1", "lrap"}.isdisjoint(catalogue.LOWER_IS_BETTER)


def test_the_table_holds_every_value_of_the_metrics_and_of_every_part(plain):
    table = plain.table.set_index(["split", "by", "part", "instrument", "metric"])["value"].sort_index()
    for name, part in plain.metrics.items():
        for by, groups in {"corpus": "per_corpus", "labels": "by_labels", "genre": "by_genre"}.items():
            for group, values in part[groups].items():
                for metric, value in values.items():
                    assert table[name, by, group, "", metric] == ("" if value is None else repr(value))
                for code in CODES:
                    assert {"f1", "ap", "auroc", "ece", "brier", "positives", "unobserved", "songs"} <= set(
                        table[name, by, group, code].index
                    )
        for code, values in part["per_instrument"].items():
            assert table[name, "whole", "whole", code, "f1"] == repr(values["f1"])
            assert table[name, "whole", "whole", code, "ece"] == repr(
                part["calibration"]["per_instrument"][code]["ece"]
            )


def test_parts_have_intervals_around_their_values(plain):
    rows = plain.table[(plain.table["low"] != "") & (plain.table["by"] == "corpus")]
    assert {"f1_macro", "hamming", "f1", "brier", "ece", "ece_mean"} <= set(rows["metric"])
    for row in rows.itertuples():
        assert float(row.low) <= float(row.high)
    around = rows[rows["metric"].isin(["brier", "hamming", "ece", "ece_mean"])]
    assert (around["low"].astype(float) <= around["value"].astype(float)).all()
    assert (around["value"].astype(float) <= around["high"].astype(float)).all()


def test_without_validation_thresholds_come_from_the_other_half(make_tables):
    tables = make_tables()
    known = label_arrays(tables.clips, tables.labels, IRMAS11, irmas_train_absent="negative")
    test = join_scores(tables.scores, tables.clips, known, tables.split, CODES).of_split("test")
    found = evaluate_systems({"theirs": (test, None)}, "theirs", rule="per_instrument", resamples=100, seed=5)
    assert list(found.metrics) == ["test"]
    assert list(found.systems) == ["theirs", *TRIVIAL_SYSTEMS]
    assert {found.systems[name].splits["test"]["thresholds_from"] for name in found.systems} == {
        "the other half of the recordings, cross-fitted"
    }
    assert found.metrics["test"]["calibration"]["temperature"] is None
    assert set(found.declared()) == DECLARED
    assert found.declared()["validation_map_macro"] is None
    assert found.summary().endswith("thresholds from the other half of the recordings, cross-fitted")
