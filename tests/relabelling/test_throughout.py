"""Annotations by time against labels: what each label covers of its clip, by hand."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from instrumentarium.commands.app import app
from instrumentarium.relabelling.labellings import Labelling, LabellingError
from instrumentarium.relabelling.throughout import (
    Covered,
    coverage,
    draw_clips,
    read_stretches,
    summarise,
    total,
)

LABELS = Labelling("labels", {"a": {"cel": True, "vio": False}, "b": {"cel": True, "pia": True}}, True, {})
DURATIONS = {"a": 4.0, "b": 10.0}
HEADER = "clip_id,start_s,end_s,instrument\n"


def annotated(folder: Path, rows: str) -> Path:
    path = folder / "spans.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    return path


def test_the_union_of_stretches() -> None:
    assert total([]) == 0
    assert total([(1, 2), (5, 6)]) == 2
    assert total([(4, 6), (1, 5), (2, 3)]) == 5


def test_shares_by_hand(tmp_path: Path) -> None:
    path = annotated(tmp_path, "a,0,4,cel\nb,0,3,cel\nb,2,5,cel\nb,0,10,flu\n")
    found = coverage(LABELS, read_stretches(path, DURATIONS), DURATIONS)
    assert found == [Covered("a", "cel", 1.0), Covered("b", "cel", 0.5), Covered("b", "pia", 0.0)]
    summary = summarise(found, whole=0.95)
    assert summary["all"] == {
        "labels": 3,
        "mean_share": 0.5,
        "throughout": pytest.approx(1 / 3, abs=1e-6),
        "absent": pytest.approx(1 / 3, abs=1e-6),
    }
    assert summary["cel"] == {"labels": 2, "mean_share": 0.75, "throughout": 0.5, "absent": 0.0}
    assert list(summary) == ["all", "cel", "pia"]


def test_an_instrument_that_does_not_play_has_zero_times(tmp_path: Path) -> None:
    path = annotated(tmp_path, "a,0,0,cel\n")
    assert coverage(LABELS, read_stretches(path, DURATIONS), DURATIONS) == [Covered("a", "cel", 0.0)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("z,0,1,cel\n", "line 2: 'z' is no clip"),
        ("a,,1,cel\n", "line 2: start_s is empty; annotate it"),
        ("a,0,x,cel\n", "line 2: end_s is 'x'"),
        ("a,0,inf,cel\n", "line 2: end_s is 'inf'"),
        ("a,3,2,cel\n", "from 3 s to 2 s is no stretch of a clip of 4 s"),
        ("a,0,5,cel\n", "from 0 s to 5 s is no stretch"),
        ("a,0,1,\n", "instrument is empty"),
    ],
)
def test_annotations_that_cannot_be_are_named_by_their_line(row: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(LabellingError, match=message):
        read_stretches(annotated(tmp_path, row), DURATIONS)


def test_drawn_clips_are_the_same_for_a_seed_and_have_all_their_labels() -> None:
    many = Labelling("many", {f"c{n:02d}": {"cel": True, "vio": n % 2 == 0} for n in range(30)}, True, {})
    drawn = draw_clips(many, many.stated, 10, seed=3)
    assert drawn == draw_clips(many, many.stated, 10, seed=3)
    assert drawn != draw_clips(many, many.stated, 10, seed=4)
    clips = {clip for clip, _ in drawn}
    assert len(clips) == 10
    assert drawn == [(clip, code) for clip in sorted(clips) for code in sorted(many.present(clip))]
    with pytest.raises(
        LabellingError, match="31 clips are asked for, and 30 of the tables of clips have a label in many"
    ):
        draw_clips(many, many.stated, 31, seed=3)
    assert {clip for clip, _ in draw_clips(many, {"c03", "c04", "elsewhere"}, 2, seed=3)} == {"c03", "c04"}


def test_the_command_draws_and_reads_back(tmp_path: Path) -> None:
    labels, clips, out = tmp_path / "labels.csv", tmp_path / "clips.csv", tmp_path / "spans.csv"
    labels.write_text("clip_id,instrument,relevance\na,cel,1\nb,cel,1\nb,pia,0.9\nof_another_table,cel,1\n")
    clips.write_text("clip_id,duration_s,corpus\na,4.0,own\nb,10.0,own\n")
    common = ["label-spans", str(labels), "--clips", str(clips)]
    assert CliRunner().invoke(app, [*common, "--draw", "2", "--out", str(out)]).exit_code == 0
    assert out.read_text() == HEADER + "a,,,cel\nb,,,cel\nb,,,pia\n"
    run = CliRunner().invoke(app, [*common, "--draw", "2", "--out", str(out)])
    assert run.exit_code == 2
    assert "exists and may hold annotations" in run.output
    assert "start_s is empty" in CliRunner().invoke(app, [*common, "--spans", str(out)]).output
    out.write_text(HEADER + "a,0,4,cel\nb,0,5,cel\nb,0,0,pia\n")
    run = CliRunner().invoke(app, [*common, "--spans", str(out), "--json"])
    assert run.exit_code == 0, run.output
    assert '"throughout": 0.333333' in run.output
    assert CliRunner().invoke(app, common).exit_code == 2
