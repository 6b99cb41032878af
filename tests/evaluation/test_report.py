import json
import time

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sk

from instrumentarium.clips.labels import LabelError, label_arrays
from instrumentarium.evaluation import EvaluationError, Thresholds, evaluate, write_evaluation
from instrumentarium.evaluation.inputs import scored_splits
from instrumentarium.evaluation.report import evaluate_splits
from instrumentarium.tables.taxonomy import CODES

HEADLINE = ("f1_macro", "f1_micro", "lrap", "map_macro", "auroc_macro", "hamming", "hamming_all_zeros")
PLOTS = {
    *("roc", "precision_recall", "confusion", "confusion_counts", "confusion_per_instrument", "per_instrument"),
    *("scores", "reliability", "thresholds"),
}


def run(tables, rule="per_instrument"):
    t, settings = tables, {"irmas_train_absent": "negative", "resamples": 200, "seed": 5}
    return evaluate(t.scores, t.clips, t.labels, t.split, rule=rule, **settings)


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
        for figures in part["per_instrument"].values():
            assert {"f1", "precision", "recall", "ap", "auroc", "threshold"} <= set(figures)
            assert {"positives", "negatives", "unobserved", "songs"} <= set(figures)
            assert sum(figures[key] for key in ("positives", "negatives", "unobserved")) == part["clips"]
        assert set(part["per_corpus"]) == {"irmas", "openmic", "esc50"}
        assert sum(corpus["clips"] for corpus in part["per_corpus"].values()) == part["clips"]
        assert set(part["baselines"]) == {"all_ones", "all_zeros", "label_prior", "random"}
        assert set(part["rules"]) == {"fixed", "global", "per_instrument"}
        assert part["rules"]["per_instrument"] == {"f1_macro": part["f1_macro"], "f1_micro": part["f1_micro"]}
        assert list(part)[:2] == ["f1_macro", "f1_micro"]


def test_test_figures_equal_scikit_learns_on_fully_labelled_clips(make_tables):
    tables = make_tables()
    evaluation = run(tables)
    irmas = tables.split[(tables.split["split"] == "test") & tables.split["clip_id"].str.startswith("irmas")]["clip_id"]
    truth = tables.labels.pivot(index="clip_id", columns="instrument", values="relevance").loc[irmas, list(CODES)] > 0.5
    scores = tables.scores.set_index("clip_id").loc[irmas, list(CODES)]
    thresholds = np.array([evaluation.thresholds.per_instrument[code] for code in CODES])
    figures = evaluation.metrics["test"]["per_corpus"]["irmas"]
    predictions = scores.to_numpy() >= thresholds
    assert figures["f1_macro"] == pytest.approx(sk.f1_score(truth, predictions, average="macro"), abs=1e-6)
    assert figures["f1_micro"] == pytest.approx(sk.f1_score(truth, predictions, average="micro"), abs=1e-6)
    assert figures["map_macro"] == pytest.approx(sk.average_precision_score(truth, scores), abs=1e-6)
    assert figures["auroc_macro"] == pytest.approx(sk.roc_auc_score(truth, scores), abs=1e-6)


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
        for figures in part["per_instrument"].values():
            assert set(figures["interval"]) == {"f1", "precision", "recall", "ap", "auroc"}
            for name, ends in figures["interval"].items():
                assert ends["low"] <= figures[name] <= ends["high"], name
        for figures in part["calibration"]["per_instrument"].values():
            assert set(figures["interval"]) == {"ece", "brier"}
            for name, ends in figures["interval"].items():
                assert ends["low"] <= figures[name] <= ends["high"], name


def test_intervals_repeat_with_their_seed(plain, make_tables):
    first, again = plain.metrics["test"], run(make_tables()).metrics["test"]
    assert first["interval"] == again["interval"]


def test_the_baselines_and_the_headline_are_of_the_same_clips(plain):
    test = plain.metrics["test"]
    positives = sum(figures["positives"] for figures in test["per_instrument"].values())
    negatives = sum(figures["negatives"] for figures in test["per_instrument"].values())
    assert test["hamming_all_zeros"] == pytest.approx(negatives / (positives + negatives), abs=1e-6)
    assert {"f1_macro": 0.0, "f1_micro": 0.0}.items() <= test["baselines"]["all_zeros"].items()
    assert test["baselines"]["all_ones"]["f1_micro"] == pytest.approx(
        2 * positives / (2 * positives + negatives), abs=1e-6
    )


def test_labels_of_test_clips_have_no_say_in_the_thresholds(plain, make_tables):
    tables, expected = make_tables(), plain
    of_test = tables.labels["clip_id"].isin(tables.split[tables.split["split"] == "test"]["clip_id"])
    tables.labels.loc[of_test, "relevance"] = 1 - tables.labels.loc[of_test, "relevance"]
    changed = run(tables)
    assert changed.thresholds == expected.thresholds
    assert changed.metrics["validation"] == expected.metrics["validation"]
    assert changed.metrics["test"]["f1_macro"] != expected.metrics["test"]["f1_macro"]


def test_labels_of_validation_clips_move_test_figures_only_through_thresholds(make_tables):
    tables = make_tables()
    expected = run(tables, rule="fixed").metrics["test"]
    of_validation = tables.labels["clip_id"].isin(tables.split[tables.split["split"] == "validation"]["clip_id"])
    tables.labels.loc[of_validation, "relevance"] = 1 - tables.labels.loc[of_validation, "relevance"]
    changed = run(tables, rule="fixed").metrics["test"]
    assert {key: changed[key] for key in HEADLINE} == {key: expected[key] for key in HEADLINE}
    assert changed["rules"]["global"] != expected["rules"]["global"]


def test_the_order_of_the_tables_changes_nothing(plain, make_tables, tmp_path):
    tables = make_tables()
    write_evaluation(plain, tmp_path / "a.json", tmp_path / "ta.json", tmp_path / "a.csv", tmp_path / "a")
    for name in ("scores", "clips", "labels", "split"):
        setattr(tables, name, getattr(tables, name).sample(frac=1, random_state=1))
    write_evaluation(run(tables), tmp_path / "b.json", tmp_path / "tb.json", tmp_path / "b.csv", tmp_path / "b")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "ta.json").read_bytes() == (tmp_path / "tb.json").read_bytes()
    for plot in PLOTS:
        assert (tmp_path / "a" / f"{plot}.json").read_bytes() == (tmp_path / "b" / f"{plot}.json").read_bytes()


def test_files_are_strict_json_with_one_plot_row_a_line(make_tables, tmp_path):
    tables = make_tables()
    silent = tables.labels["instrument"] == "cla"
    tables.labels.loc[silent, "relevance"] = 0.0
    evaluation = run(tables)
    write_evaluation(
        evaluation, tmp_path / "metrics" / "e.json", tmp_path / "t.json", tmp_path / "f.csv", tmp_path / "plots"
    )

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    metrics = json.loads((tmp_path / "metrics" / "e.json").read_text(), parse_constant=refuse)
    assert metrics["test"]["per_instrument"]["cla"]["f1"] is None
    assert metrics["test"]["per_instrument"]["cla"]["positives"] == 0
    assert metrics["test"]["instruments_with_positives"] == 10
    assert Thresholds.read(tmp_path / "t.json") == evaluation.thresholds
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {f"{plot}.json" for plot in PLOTS}
    for plot in PLOTS:
        text = (tmp_path / "plots" / f"{plot}.json").read_text()
        rows = json.loads(text, parse_constant=refuse)
        assert rows == evaluation.plots[plot]
        assert len(text.splitlines()) == len(rows) + 2
        assert all(set(row) == set(rows[0]) for row in rows), "dvc drops files whose rows differ in their columns"


def test_the_summary_names_figures_clips_and_thresholds(make_tables):
    evaluation = run(make_tables(), rule="global")
    test = evaluation.metrics["test"]
    ends = test["interval"]["f1_macro"]
    around = f"({ends['low']:.2f}-{ends['high']:.2f})"
    assert evaluation.summary().startswith(
        f"macro F1 {test['f1_macro']:.3f} {around}, micro F1 {test['f1_micro']:.3f} ("
    )
    assert evaluation.summary().endswith("global thresholds from validation out")


def test_the_whole_official_test_set_is_evaluated_in_seconds(make_tables):
    tables = make_tables(songs=650)
    begin = time.process_time()  # other work on the machine does not count
    run(tables)
    assert len(tables.scores) > 2874
    assert time.process_time() - begin < 6


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
        (drop_a_score, EvaluationError, r"1 of \d+ clips have no scores, first 'irmas/0000-0'.*run `dvc repro score`"),
        (score_an_unknown_clip, EvaluationError, "scores for 1 clips that are not in split .*, first 'irmas/unheard'"),
        (score_a_training_clip, EvaluationError, "scores for 1 clips that are not in split validation or test"),
        (score_a_clip_twice, EvaluationError, "clip 'irmas/0000-0' occurs more than once in the scores table"),
        (split_a_clip_twice, EvaluationError, "clip 'irmas/0000-0' occurs more than once in the split table"),
        (lose_a_column, EvaluationError, "scores have columns clip_id, cel, .*, vio; they must have clip_id, cel"),
        (lose_a_clip, EvaluationError, "1 clips of the split are not in the table of clips, first 'irmas/0000-0'"),
        (straddle, EvaluationError, "1 recordings occur in more than one split, first 'irmas/0000'"),
        (test_nothing, EvaluationError, "no clip is in split 'test'; evaluation needs clips in validation and test"),
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


def test_parts_negatives_and_bounds_are_told(plain):
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


def test_the_whole_official_test_set_of_irmas_is_judged_by_the_other_half_of_its_songs(plain):
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


def test_baselines_never_listen(plain, make_tables):
    scores = make_tables().scores
    first, other = plain, make_tables()
    other.scores = scores.assign(**dict.fromkeys(CODES, 0.5))
    assert run(other).metrics["test"]["baselines"] == first.metrics["test"]["baselines"]


def test_the_headline_sorts_before_everything_else_and_repeats_what_stands_below(plain):
    content = plain.content()
    assert min(content) == "headline"
    for name, value in content["headline"].items():
        part, figure = ("validation", name[11:]) if name.startswith("validation_") else ("test", name)
        assert value == content[part][figure]
    assert {"f1_macro", "f1_micro", "map_macro", "ece_mean", "validation_f1_macro"} <= set(content["headline"])


def test_the_table_holds_every_figure_of_the_metrics_and_of_every_part(plain):
    table = plain.table.set_index(["split", "by", "part", "instrument", "figure"])["value"].sort_index()
    for name, part in plain.metrics.items():
        for by, groups in {"corpus": "per_corpus", "labels": "by_labels", "genre": "by_genre"}.items():
            for group, figures in part[groups].items():
                for figure, value in figures.items():
                    assert table[name, by, group, "", figure] == ("" if value is None else repr(value))
                for code in CODES:
                    assert {"f1", "ap", "auroc", "ece", "brier", "positives", "unobserved", "songs"} <= set(
                        table[name, by, group, code].index
                    )
        for code, figures in part["per_instrument"].items():
            assert table[name, "whole", "whole", code, "f1"] == repr(figures["f1"])
            assert table[name, "whole", "whole", code, "ece"] == repr(
                part["calibration"]["per_instrument"][code]["ece"]
            )


def test_parts_have_intervals_around_their_figures(plain):
    rows = plain.table[(plain.table["low"] != "") & (plain.table["by"] == "corpus")]
    assert {"f1_macro", "hamming", "f1", "brier", "ece", "ece_mean"} <= set(rows["figure"])
    for row in rows.itertuples():
        assert float(row.low) <= float(row.high)
    around = rows[rows["figure"].isin(["brier", "hamming", "ece", "ece_mean"])]
    assert (around["low"].astype(float) <= around["value"].astype(float)).all()
    assert (around["value"].astype(float) <= around["high"].astype(float)).all()


def test_without_validation_thresholds_come_from_the_other_half(make_tables):
    tables = make_tables()
    known = label_arrays(tables.clips, tables.labels, irmas_train_absent="negative")
    test = scored_splits(tables.scores, tables.clips, known, tables.split, ("validation", "test"))["test"]
    found = evaluate_splits(test, None, rule="per_instrument", resamples=100, seed=5)
    assert list(found.metrics) == ["test"]
    assert found.metrics["test"]["thresholds_from"] == "the other half of the recordings, cross-fitted"
    assert found.metrics["test"]["calibration"]["temperature"] is None
    assert "validation_f1_macro" not in found.content()["headline"]
    assert found.summary().endswith("thresholds from the other half of the recordings, cross-fitted out")
