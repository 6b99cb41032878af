"""The command, as a user types it."""

import json
from pathlib import Path

import pytest
from comparing.simulated import Workspace
from typer.testing import CliRunner, Result

from instrumentarium.commands.app import app
from taxonomies import IRMAS11

CODES = IRMAS11.codes
NAMES = IRMAS11.names

QUICK = ("--resamples", "200", "--permutations", "199")
VALUES = {"a", "b", "difference", "low", "high", "p"}
DETAIL = {"per_instrument", "clips", "settings"}


def compare(*words: str) -> Result:
    return CliRunner().invoke(app, ["compare", *words, *QUICK])


def compared(*words: str) -> dict:
    result = compare(*words, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@pytest.fixture
def better(workspace: Workspace) -> str:
    """Return a table of far better scores than the workspace's."""
    workspace.scores(seed=5, skill=4.5).to_csv("better.csv", index=False)
    return "better.csv"


def test_json_has_the_headline_on_top_and_the_rest_beside_it(better: str) -> None:
    content = compared("workspace", better)
    metrics = set(content) - DETAIL
    assert {"f1_macro", "f1_micro", "f1_samples", "map_macro", "auroc_macro", "lrap", "hamming"} <= metrics
    assert next(iter(content)) == "f1_macro"
    for name in metrics:
        assert set(content[name]) == VALUES, name
    assert list(content["per_instrument"]) == list(CODES)
    for measures in content["per_instrument"].values():
        assert list(measures) == ["f1", "ap", "auroc"]
        for each in measures.values():
            assert set(each) == VALUES | {"p_holm"}
    assert content["settings"]["seed"] == 0
    assert content["settings"]["resamples"] == 200
    assert content["settings"]["permutations"] == 199
    assert content["settings"]["recordings"] == 8
    assert content["settings"]["clips"] == 24


def test_the_workspace_is_found_from_any_of_its_folders(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace.root / "dvc.yaml").touch()
    (workspace.root / "deep").mkdir()
    monkeypatch.chdir(workspace.root / "deep")
    workspace.scores(seed=5, skill=4.5).to_csv("better.csv", index=False)
    assert compared("workspace", "better.csv")["settings"]["clips"] == 24


def test_a_better_table_is_found_better_and_the_worse_one_worse(better: str) -> None:
    there, back = compared("workspace", better), compared(better, "workspace")
    assert there["f1_macro"]["difference"] > 0
    assert there["f1_macro"]["low"] > 0
    assert there["f1_macro"]["p"] < 0.05
    for name in set(there) - DETAIL:
        if there[name]["difference"] is not None:
            assert there[name]["difference"] == -back[name]["difference"], name
            assert there[name]["p"] == back[name]["p"], name
    assert {clip["clip_id"] for clip in there["clips"]} == {clip["clip_id"] for clip in back["clips"]}


def test_a_thing_does_not_differ_from_itself(workspace: Workspace) -> None:
    content = compared("workspace", "data/scores/model.csv")
    for name in set(content) - DETAIL:
        if content[name]["a"] is not None:
            assert (content[name]["difference"], content[name]["p"]) == (0, 1), name
    assert content["clips"] == []
    text = compare("workspace", "workspace").stdout
    assert "Macro F1 is the same for both." in text
    assert "The systems predict the same for every clip." in text
    assert "real" not in text


def test_equal_commands_give_equal_output_and_the_seed_counts(better: str) -> None:
    assert compared("workspace", better) == compared("workspace", better)
    other = compared("workspace", better, "--seed", "1")
    assert other["settings"]["seed"] == 1
    assert other["f1_macro"]["low"] != compared("workspace", better)["f1_macro"]["low"]


def test_the_table_leads_with_the_answer(better: str) -> None:
    text = compare("workspace", better).stdout
    order = ["B has a macro F1", "f1_macro", "F1 by instrument", "AP by instrument", "Clips that changed most"]
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert "this is real" in text
    assert "seed 0" in text
    assert "24 test clips of 8 recordings" in text
    assert all(text.count(f"{name} ") >= 3 for name in NAMES.values())


def test_clips_show_truth_and_both_predictions(workspace: Workspace, better: str) -> None:
    clips = compared("workspace", better, "--clips", "3")["clips"]
    truth = workspace.truth()
    assert len(clips) == 3
    changes = [abs(clip["right_b"] - clip["right_a"]) for clip in clips]
    assert changes == sorted(changes, reverse=True)
    for clip in clips:
        plays = [code for code, playing in zip(CODES, truth[clip["clip_id"]], strict=True) if playing]
        assert clip["truth"] == plays
        right = {side: len(CODES) - len(set(clip[side]) ^ set(plays)) for side in "ab"}
        assert (clip["right_a"], clip["right_b"]) == (right["a"], right["b"])
    assert compared("workspace", better, "--clips", "0")["clips"] == []


def test_validation_can_be_compared(better: str) -> None:
    settings = compared("workspace", better, "--split", "validation")["settings"]
    assert settings["split"] == "validation"
    assert "cross-fitted" in settings["a"]["thresholds"]


def test_clips_left_out_are_counted(workspace: Workspace, better: str) -> None:
    from instrumentarium.comparing.comparison import compare_sides
    from instrumentarium.comparing.sides import read_sides
    from instrumentarium.comparing.table import as_table

    whole, _ = read_sides("workspace", "workspace", repository=Path(), split="test")
    for table in ("split.csv", "scores/model.csv"):
        workspace.edit(table, lambda frame: frame[frame["clip_id"] != "irmas/song002-0"])
    part, _ = read_sides("workspace", "workspace", repository=Path(), split="test")
    found = compare_sides(whole, part, split="test", resamples=100, permutations=100, seed=0, clips=0)
    assert "Left out: 1 clips that only A has, 0 that only B has" in as_table(found)
    assert found.settings.content()["clips_only_in_a"] == 1


def test_the_plot_is_a_png_with_the_same_bytes_each_time(better: str) -> None:
    assert compare("workspace", better, "--plot", "one.png").exit_code == 0
    assert compare("workspace", better, "--plot", "two.png").exit_code == 0
    assert Path("one.png").read_bytes() == Path("two.png").read_bytes()
    assert Path("one.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_of_another_kind_is_refused_before_any_work(better: str) -> None:
    result = compare("workspace", better, "--plot", "plot.pdf")
    assert result.exit_code == 2
    assert "plot.pdf must end in .png" in result.output
    assert not Path("plot.pdf").exists()


def test_an_error_is_shown_without_a_traceback(workspace: Workspace) -> None:
    result = compare("workspace", "nowhere.csv")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: nowhere.csv does not exist")
    assert result.stdout == ""


def test_outside_a_repository_a_revision_is_refused(workspace: Workspace) -> None:
    result = compare("main", "workspace")
    assert result.exit_code == 2
    assert "'main' is no revision: there is no DVC repository here" in result.stderr
