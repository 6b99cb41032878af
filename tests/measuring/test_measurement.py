import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from instrumentarium.clips.scored import ScoredClipsError
from instrumentarium.commands.app import app
from instrumentarium.evaluation import EvaluationError, evaluate
from instrumentarium.evaluation.predictions import OTHER_HALF, cross_fit
from instrumentarium.evaluation.trivial import TRIVIAL_SYSTEMS
from instrumentarium.measuring.alignment import align_tables
from instrumentarium.measuring.measurement import as_text, measure, write_measurement
from instrumentarium.measuring.tables import MeasuringError, read_labels, read_scores
from instrumentarium.reporting.figures import Picture
from instrumentarium.tables.taxonomy import write_taxonomy
from taxonomies import IRMAS11

CODES = IRMAS11.codes
NAMES = IRMAS11.names


def fully(handed):
    """Return the scores and labels of IRMAS clips, which are fully labelled, as a group without a split has them."""
    irmas = handed.scores["clip_id"].str.startswith("irmas/")
    return handed.scores[irmas], handed.labels[handed.labels["clip_id"].str.startswith("irmas/")]


@pytest.mark.parametrize("absent", ["negative", "unobserved"])
def test_a_system_is_evaluated_as_the_pipeline_evaluates_its_own(handed, request_of, absent):
    """A clip of IRMAS's training set may have become one of test, since it shares a recording with one."""
    handed.clips = handed.clips.assign(official_split="test")
    first = handed.clips["clip_id"] == "irmas/0001-0"
    handed.clips.loc[first, "official_split"] = "train"
    handed.labels = handed.labels[(handed.labels["clip_id"] != "irmas/0001-0") | (handed.labels["instrument"] == "cel")]
    halves = handed.clips[["clip_id", "split", "recording_id"]], handed.clips.drop(columns=["split", "recording_id"])
    found = measure(request_of(handed.scores, handed.labels, *halves, irmas_train_absent=absent)).evaluation
    settings = {"rule": "per_instrument", "irmas_train_absent": absent, "resamples": 100, "seed": 3}
    own = evaluate({"model": handed.scores}, handed.clips, handed.labels, halves[0], IRMAS11, **settings)
    assert found.metrics == own.metrics
    assert found.thresholds == own.thresholds
    assert found.plots == own.plots
    pd.testing.assert_frame_equal(found.table, own.table)
    assert found.metrics["test"]["thresholds_from"] == "validation"


def test_without_validation_thresholds_for_each_half_come_from_the_other(handed, request_of):
    scores, labels = fully(handed)
    pattern = r"(.+)-\d+$"
    found = measure(request_of(scores, labels, recording_pattern=pattern))
    test = found.evaluation.metrics["test"]
    assert list(found.evaluation.metrics) == ["test"]
    assert test["thresholds_from"] == OTHER_HALF
    assert test["recordings"] == 30
    assert all(values["threshold"] is None for values in test["per_instrument"].values())
    assert found.evaluation.thresholds.chosen_from == "test"
    assert any("the thresholds for each half of the recordings" in note for note in found.aligned.notes)


def test_labels_of_a_half_have_no_say_in_its_own_thresholds(handed):
    scores, labels = fully(handed)
    split = align_tables(scores, labels, IRMAS11, recording_pattern=r"(.+)-\d+$").test
    _, song = np.unique(split.recordings, return_inverse=True)
    mine = song % 2 == 0
    before = cross_fit(split, "per_instrument", 2, OTHER_HALF)
    split.targets[mine] = ~split.targets[mine]
    after = cross_fit(split, "per_instrument", 2, OTHER_HALF)
    assert (before.chosen[mine] == after.chosen[mine]).all()
    assert (before.scaled[mine] == after.scaled[mine]).all()
    assert (before.chosen[~mine] != after.chosen[~mine]).any()


def test_clips_without_recordings_count_as_their_own_and_say_so(handed, request_of):
    scores, labels = fully(handed)
    found = measure(request_of(scores, labels))
    assert found.evaluation.metrics["test"]["recordings"] == len(scores)
    assert found.aligned.recordings_from == "nothing: each clip counts as a recording of its own"


def test_wide_and_long_labels_codes_and_names_say_the_same(handed, request_of, tmp_path):
    first = measure(request_of(handed.scores, handed.labels, handed.clips)).evaluation
    names = {code: name.upper().replace(" ", "_") for code, name in NAMES.items()}
    shuffled = handed.scores.sample(frac=1, random_state=1)[["clip_id", *reversed(CODES)]].rename(columns=names)
    write_taxonomy(tmp_path / "taxonomy.json", IRMAS11)
    tables = shuffled, handed.wide().rename(columns=NAMES), handed.clips
    other = measure(request_of(*tables, taxonomy=tmp_path / "taxonomy.json")).evaluation
    assert other.metrics == first.metrics


def test_what_is_not_listed_can_be_absent(handed, request_of):
    scores, labels = fully(handed)
    positives = labels[labels["relevance"] > 0.5]
    silent = sorted(set(labels["clip_id"]) - set(positives["clip_id"]))
    listed = scores[~scores["clip_id"].isin(silent)]
    with pytest.raises(MeasuringError, match=r"say of no instrument that it does not play.*--absent negative"):
        measure(request_of(listed, positives))
    expected = measure(request_of(listed, labels[~labels["clip_id"].isin(silent)])).evaluation.metrics
    assert measure(request_of(listed, positives, absent="negative")).evaluation.metrics == expected
    # a table of clips tells of those in which nothing plays
    clips = pd.DataFrame({"clip_id": sorted(scores["clip_id"]), "corpus": "mine"})
    negatives = measure(request_of(scores, positives, clips, absent="negative")).evaluation.metrics["test"]
    assert negatives["negatives"]["clips"] == len(silent)
    assert set(negatives["per_corpus"]) == {"mine"}


def test_clips_of_training_and_clips_without_labels_are_reported(handed, request_of):
    clips = handed.clips.copy()
    clips.loc[clips["clip_id"].str.startswith("irmas/0002"), "split"] = "train"
    mute = handed.labels["clip_id"] != "openmic/0004"
    handed.labels = pd.concat([handed.labels[mute]])
    found = measure(request_of(handed.scores, handed.labels, clips))
    assert any("scored clips are of split train and left out" in note for note in found.aligned.notes)
    assert any("have no label at all and count in no metric" in note for note in found.aligned.notes)


def test_the_command_writes_everything_or_nothing(handed, request_of, tmp_path):
    request = request_of(*fully(handed))
    out = tmp_path / "out"
    arguments = ["evaluate", str(request.scores), str(request.labels), "--out", str(out), "--resamples", "100"]
    done = CliRunner().invoke(app, [*arguments, "--no-figures"])
    assert done.exit_code == 0, done.output
    content = json.loads((out / "data/evaluation.json").read_text())
    assert list(content) == ["test", "systems"]
    assert list(content["systems"]) == ["scores", *TRIVIAL_SYSTEMS]
    declared = json.loads((out / "metrics/evaluate.json").read_text())
    assert len(declared) == 7
    assert declared["f1_macro"] == round(content["test"]["f1_macro"], 4)
    assert declared["validation_map_macro"] is None
    assert all(f"\n{name} " in done.output for name in content["systems"])
    assert f"macro F1                                 {content['test']['f1_macro']:7.3f}" in done.output
    assert "Note: no clips are set apart" in done.output
    assert {path.name for path in out.iterdir()} == {*("metrics", "data", "plots", "settings.json")}
    assert {path.name for path in (out / "data").iterdir()} == {"evaluation.json", "thresholds.json", "metrics.csv"}
    (out / "data/mine.csv").write_text("kept")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    handed.scores.loc[0, "cel"] = 1.5
    handed.scores.to_csv(request.scores, index=False)
    failed = CliRunner().invoke(app, arguments)
    assert failed.exit_code == 2
    assert "1 of" in failed.output
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_every_plot_is_drawn(handed, request_of, tmp_path, monkeypatch):
    def draw(paths):  # half a second each
        return [Picture(path.stem, b"PNG", b"SVG", "", wide=False) for path in paths]

    monkeypatch.setattr("instrumentarium.measuring.measurement.draw_figures", draw)
    found = measure(request_of(*fully(handed)))
    write_measurement(found, tmp_path / "out", figures=True)
    drawn = {path.stem for path in (tmp_path / "out" / "figures").glob("*.png")}
    assert drawn == {path.stem for path in (tmp_path / "out" / "figures").glob("*.svg")}
    assert {"roc", "precision_recall", "confusion_counts", "reliability", "thresholds", "scores"} <= drawn
    settings = json.loads((tmp_path / "out" / "settings.json").read_text())
    assert settings["recordings_from"].startswith("nothing")
    assert len(settings["scores"][0]["md5"]) == 32


def test_instruments_are_those_of_the_tables(handed, request_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scores, labels = fully(handed)
    mine = {"cel": "Banjo", "cla": "steel drums", "flu": "Röhrenglocken"}
    scores = scores[["clip_id", *mine]].rename(columns=mine)
    labels = labels[labels["instrument"].isin(list(mine))].replace({"instrument": mine})
    found = measure(request_of(scores, labels))
    names = {"banjo": "Banjo", "steel_drums": "steel drums", "rohrenglocken": "Röhrenglocken"}
    assert found.taxonomy.names == names
    assert list(found.evaluation.instruments()) == list(names)
    assert "\nsteel drums " in as_text(found)
    wide = labels.pivot(index="clip_id", columns="instrument", values="relevance").reset_index()
    assert measure(request_of(scores, wide)).evaluation.metrics == found.evaluation.metrics
    with pytest.raises(
        MeasuringError, match=r"labels of unknown instruments: 'Banjos'; allowed: .*; did you mean 'banjo'"
    ):
        measure(request_of(scores, labels.replace({"instrument": {"Banjo": "Banjos"}})))


def test_the_taxonomy_at_hand_names_what_it_knows_and_one_that_is_passed_must_be_met(
    handed, request_of, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    scores, labels = fully(handed)
    (tmp_path / "data").mkdir()
    write_taxonomy(tmp_path / "data/taxonomy.json", IRMAS11)
    some = ["voi", "gac"]
    request = request_of(scores[["clip_id", *some]].assign(Banjo=0.1), labels[labels["instrument"].isin(some)])
    assert list(measure(request).taxonomy.names.items()) == [
        *(("gac", "acoustic guitar"), ("voi", "singing voice"), ("banjo", "Banjo")),
    ]
    assert measure(request).evaluation.instruments()["banjo"] == {"f1": None, "ap": None}
    with pytest.raises(MeasuringError, match="columns for unknown instruments: 'Banjo'"):
        measure(replace(request, taxonomy=tmp_path / "data/taxonomy.json"))
    whole = measure(request_of(scores, labels, taxonomy=tmp_path / "data/taxonomy.json"))
    assert whole.taxonomy == IRMAS11
    assert whole.settings()["taxonomy"][0]["name"] == "taxonomy.json"


def test_a_repository_is_no_folder_for_results(handed, request_of, tmp_path):
    (tmp_path / "dvc.yaml").write_text("stages: {}")
    with pytest.raises(MeasuringError, match=r"has a dvc\.yaml, whose results would be replaced"):
        write_measurement(measure(request_of(*fully(handed))), tmp_path, figures=False)


def test_out_must_be_a_folder(handed, request_of, tmp_path):
    measurement = measure(request_of(*fully(handed)))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(MeasuringError, match="cannot be made a folder"):
        write_measurement(measurement, tmp_path / "file", figures=False)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk_leaves_the_earlier_results_and_is_named(handed, request_of, small_disk):
    measurement = measure(request_of(*fully(handed)))
    out = small_disk / "out"
    (out / "metrics").mkdir(parents=True)
    (out / "metrics" / "evaluate.json").write_text("earlier")
    with pytest.raises(OSError, match="No space left") as info:
        write_measurement(measurement, out, figures=False)
    assert str(info.value.filename).startswith(str(out))
    assert ".staged" not in str(info.value.filename)
    assert [path.name for path in out.rglob("*")] == ["metrics", "evaluate.json"]
    assert (out / "metrics" / "evaluate.json").read_text() == "earlier"


def change(table, row, column, value):
    table = table.astype(object)
    table.loc[table.index[row], column] = value
    return table


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda s: s.drop(columns="voi"), r"has no scores for singing voice \(voi\)"),
        (lambda s: s.assign(sitar=0.1), r"columns for unknown instruments: 'sitar'; allowed"),
        (lambda s: s.assign(Cello=0.1), "more than one column for cello, the second is 'Cello'"),
        (lambda s: s.rename(columns={"clip_id": "id"}), "has no column clip_id"),
        (lambda s: pd.concat([s, s[:1]]), "1 rows repeat a clip, first 'irmas/0000-0'"),
        (lambda s: change(s, 0, "cel", float("nan")), "1 of .* cells are no score from 0 to 1, first '' of cel for"),
        (lambda s: change(s, 0, "cel", 1.01), "first '1.01' of cel for 'irmas/0000-0'; apply the sigmoid"),
        (lambda s: change(s, 0, "voi", -3), "first '-3' of voi"),
        (lambda s: change(s, 0, "voi", "high"), "first 'high' of voi"),
        (lambda s: change(s, 0, "clip_id", ""), "row 1 has no clip_id"),
        (lambda s: s[:0], "has no row below its first line"),
        (
            lambda s: s.assign(**{" clip_id": s["clip_id"]}),
            "more than one column 'clip_id', spaces around it left aside",
        ),
        (lambda s: s.assign(**{"cel ": 0.5}), "more than one column 'cel'"),
    ],
)
def test_scores_that_cannot_be_used_are_refused(handed, tmp_path, damage, message):
    damage(handed.scores).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(MeasuringError, match=message):
        read_scores(tmp_path / "s.csv", IRMAS11, whole=True)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda t: t.replace({"instrument": {"cel": "sitar"}}), "labels of unknown instruments: 'sitar'"),
        (lambda t: pd.concat([t, t[:1]]), "1 pairs have more than one row, first 'irmas/0000-0', 'cel'"),
        (
            lambda t: change(t, 0, "relevance", 2),
            "1 of .* cells are no relevance from 0 to 1, first '2' for 'irmas/0000-0'",
        ),
        (lambda t: change(t, 0, "relevance", float("nan")), "cells are no relevance from 0 to 1, first ''"),
        (
            lambda t: t.drop(columns="relevance"),
            "labels with a column instrument must have clip_id, instrument, relevance",
        ),
        (lambda t: t[["clip_id"]].drop_duplicates(), "has no column but clip_id"),
        (lambda t: t[["clip_id"]].drop_duplicates().assign(drums=1), "unknown instruments: 'drums'"),
        (lambda t: t[["clip_id"]].assign(cel=1), "rows repeat a clip"),
        (lambda t: t.assign(**{" relevance": 1}), "more than one column 'relevance'"),
        (lambda t: t.assign(**{"clip_id ": "x"}), "more than one column 'clip_id'"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(handed, tmp_path, damage, message):
    damage(handed.labels).to_csv(tmp_path / "l.csv", index=False)
    with pytest.raises(MeasuringError, match=message):
        read_labels(tmp_path / "l.csv", IRMAS11)


def lose_clip(column):
    def damage(scores, labels, clips):
        tables = {"scores": scores, "labels": labels, "clips": clips}
        tables[column] = tables[column][tables[column]["clip_id"] != "irmas/0001-0"]
        return tables.values()

    return damage


@pytest.mark.parametrize(
    ("damage", "settings", "message"),
    [
        (lose_clip("scores"), {}, r"1 of \d+ clips have no scores, first 'irmas/0001-0'"),
        (lose_clip("clips"), {}, r"1 of \d+ clips are scored and not in a table of clips, first 'irmas/0001-0'"),
        (lambda s, t, c: (s, t, c.replace({"split": {"test": "dev"}})), {}, "unknown split 'dev'"),
        (lambda s, t, c: (s, t, c.replace({"split": {"test": "train"}})), {}, "no clip is in split test"),
        (lambda s, t, c: (s, t, change(c, 0, "split", "")), {}, "1 of .* clips are scored and in no split"),
        (lambda s, t, c: (s, t, change(c, 0, "recording_id", "")), {}, "have no recording by the table of clips"),
        (lambda s, t, c: (s, t, c), {"recording_pattern": "(.+)-"}, "both a table of clips and --recording-pattern"),
        (lambda s, t, c: (s, t, c.assign(recording_id="one")), {}, "1 recordings occur in more than one split"),
        (lambda s, t, c: (s, t, c[["clip_id"]].assign(mood="blue")), {}, "says nothing of its clips"),
        (lambda s, t, c: (s, t.assign(relevance=0.0), c), {}, "no instrument has an observed positive"),
    ],
)
def test_tables_that_disagree_are_refused(handed, request_of, damage, settings, message):
    with pytest.raises((MeasuringError, EvaluationError, ScoredClipsError), match=message):
        measure(request_of(*damage(handed.scores, handed.labels, handed.clips), **settings))


@pytest.mark.parametrize(
    ("scores", "labels", "settings", "message"),
    [
        (1, 0, {}, r"1 of \d+ clips have labels and no scores"),
        (0, 1, {}, r"1 of \d+ clips are scored and have no labels"),
        (0, 0, {"recording_pattern": "("}, "is no regular expression"),
        (0, 0, {"recording_pattern": ".+"}, "must have one group"),
        (0, 0, {"recording_pattern": r"(.+)-0$"}, "have no recording by the pattern"),
    ],
)
def test_bare_tables_that_disagree_are_refused(handed, request_of, scores, labels, settings, message):
    first, second = fully(handed)
    second = second[second["clip_id"] != second["clip_id"].iloc[0]] if labels else second
    with pytest.raises(MeasuringError, match=message):
        measure(request_of(first[scores:], second, **settings))


def test_composed_and_decomposed_ids_are_the_same(handed, request_of):
    scores, labels = fully(handed)
    scores = scores.assign(clip_id=scores["clip_id"] + "é")
    labels = labels.assign(clip_id=labels["clip_id"] + "é")
    assert measure(request_of(scores, labels)).evaluation.metrics["test"]["clips"] == len(scores)
