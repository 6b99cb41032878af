"""Two labellings of four clips, every number of whose agreement can be counted by hand."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from instrumentarium.commands.app import app
from instrumentarium.relabelling.agreement import NONE, compare_labellings
from instrumentarium.relabelling.agreementtext import agreement_csv, agreement_json, agreement_text
from instrumentarium.relabelling.labellings import Labelling, LabellingError, read_labelling

A = {"c1": ["cel"], "c2": ["cel"], "c3": ["vio"], "c4": ["vio", "pia"], "only a": ["cel"]}
B = {"c1": ["cel"], "c2": ["vio"], "c3": ["vio", "pia"], "c4": [], "only b": ["cel"], "x": ["pia"]}


def folder_of(root: Path, labels: dict[str, list[str]]) -> Path:
    for clip, codes in labels.items():
        file = root / "part" / f"{clip}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes("".join(f"{code}\t\n" for code in codes).encode())
    return root


def table_of(path: Path, rows: str) -> Path:
    path.write_text("clip_id,instrument,relevance\n" + rows, encoding="utf-8")
    return path


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Labelling, Labelling]:
    return tuple(  # type: ignore[return-value]
        read_labelling(folder_of(tmp_path / name, labels), "negative") for name, labels in (("a", A), ("b", B))
    )


def test_every_number_by_hand(sides: tuple[Labelling, Labelling]) -> None:
    found = compare_labellings(*sides)
    assert (found.clips, found.only_a, found.only_b, found.pairs) == (4, 1, 2, 12)
    assert found.exact_match == 1 / 4  # c1
    assert found.at_least_one == 2 / 4  # c1 and c3
    assert found.hamming == 7 / 12  # c1 3, c2 1, c3 2, c4 1
    cello, violin = found.instruments["cel"], found.instruments["vio"]
    assert (cello.a, cello.b, cello.judged) == (2, 1, 2)
    assert (cello.absent, cello.alone, cello.with_others) == (0.5, 0.5, 0.0)
    assert (violin.a, violin.b) == (2, 2)
    assert (violin.absent, violin.alone, violin.with_others) == (0.5, 0.0, 0.5)
    assert found.confusion == {
        ("cel", "cel"): 1,
        ("cel", "vio"): 1,
        ("vio", "vio"): 1,
        (NONE, "pia"): 1,
        ("pia", NONE): 1,
        ("vio", NONE): 1,
    }


def test_a_labelling_agrees_with_itself_and_the_other_way_round_mirrors(sides: tuple[Labelling, Labelling]) -> None:
    a, b = sides
    same, one, other = compare_labellings(a, a), compare_labellings(a, b), compare_labellings(b, a)
    assert (same.exact_match, same.at_least_one, same.hamming) == (1, 1, 1)
    assert all(first == second for first, second in same.confusion)
    assert (one.exact_match, one.hamming) == (other.exact_match, other.hamming)
    assert {(two, first): count for (first, two), count in one.confusion.items()} == dict(other.confusion)


def test_pairs_that_nobody_knows_count_for_nothing(tmp_path: Path) -> None:
    a = read_labelling(table_of(tmp_path / "a.csv", "c,cel,1\nc,vio,0\nc,pia,0.5\n"), "unobserved")
    b = read_labelling(table_of(tmp_path / "b.csv", "c,cel,0.8\nc,pia,1\nc,gac,\n"), "unobserved")
    found = compare_labellings(a, b)
    assert (found.pairs, found.exact_match, found.hamming) == (1, 1, 1)
    assert found.confusion == {("cel", "cel"): 1}
    assert found.instruments["pia"].judged == 0
    assert found.instruments["pia"].absent is None
    strict = compare_labellings(
        read_labelling(tmp_path / "a.csv", "negative"), read_labelling(tmp_path / "b.csv", "negative")
    )
    assert strict.pairs == 2  # cello, violin; the other two are unknown to one side


def test_text_json_and_csv_say_the_same(sides: tuple[Labelling, Labelling]) -> None:
    found = compare_labellings(*sides)
    text, content, table = agreement_text(found, "a", "b"), agreement_json(found), agreement_csv(found)
    assert "clips exactly alike" in text
    assert "0.250" in text
    assert content["confusion"] == {
        "cel": {"cel": 1, "vio": 1},
        "vio": {NONE: 1, "vio": 1},
        "pia": {NONE: 1},
        NONE: {"pia": 1},
    }
    assert "metric,exact_match,,0.25\n" in table
    assert "instrument,cel,absent,0.5\n" in table
    assert "confusion,cel,vio,1\n" in table


def test_the_command_writes_json_and_a_table(tmp_path: Path) -> None:
    one, two = folder_of(tmp_path / "a", A), folder_of(tmp_path / "b", B)
    run = CliRunner().invoke(app, ["relabel-report", str(one), str(two), "--json", "--csv", str(tmp_path / "out.csv")])
    assert run.exit_code == 0, run.output
    assert json.loads(run.output)["exact_match"] == 0.25
    assert (tmp_path / "out.csv").read_text().startswith("table,a,b,value\nmetric,clips,,4\n")
    assert "at least one" in CliRunner().invoke(app, ["relabel-report", str(one), str(two)]).output


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("c,cel,2\n", "row 1: relevance must be a number from 0 to 1 or empty; found '2'"),
        ("c,cel,1\nc,cel,0\n", "row 2 repeats 'c', 'cel'"),
        (",cel,1\n", "row 1 names no clip_id"),
        ("c,,1\n", "row 1 names no instrument"),
        ("", "labels no clip"),
    ],
)
def test_what_is_no_labelling_is_refused(rows: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(LabellingError, match=message):
        read_labelling(table_of(tmp_path / "a.csv", rows), "negative")


def test_missing_columns_paths_and_common_clips_are_errors(tmp_path: Path) -> None:
    with pytest.raises(LabellingError, match="neither a table of labels nor a folder"):
        read_labelling(tmp_path / "none", "negative")
    (tmp_path / "a.csv").write_text("clip_id,label\nc,cel\n")
    with pytest.raises(
        LabellingError, match="has the columns clip_id, label; it must have clip_id, instrument, relevance"
    ):
        read_labelling(tmp_path / "a.csv", "negative")
    one, two = (read_labelling(table_of(tmp_path / f"{c}.csv", f"{c},cel,1\n"), "negative") for c in "xy")
    with pytest.raises(LabellingError, match="no clip in common: ids of the one are like 'x', of the other like 'y'"):
        compare_labellings(one, two)
