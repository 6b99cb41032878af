"""Experiments: other models and values are tried, compared, kept and shared as docs/experiments.md says."""

import hashlib
import json
import shutil
import time
from pathlib import Path

import pytest
from pipeline.checkout import Checkout, stages_run

RATE = "models.cnn.recipes.miniature.learning_rate"
TIMEOUT_S = 1200  # only a hung queue lasts as long, also on a machine that does much else
WRONG_NUMBERS = """

_write_json = write_json


def write_json(path, content, **options):
    _write_json(path, {**content, "edited": 1} if isinstance(content, dict) else content, **options)
"""
"""Added to the module that writes metrics: whoever runs this code shows it."""
HEADLINE = ("f1_macro", "f1_micro", "map_macro", "auroc_macro", "lrap", "false_instrument_rate", "validation_map_macro")
"""The metrics that DVC shows without any flag, in this order."""
TERMINAL = 120
"""Columns that a terminal has."""


def lines_changed(checkout: Checkout, *revisions: str) -> list[str]:
    """Return the lines of params.yaml that are new, without their indentation."""
    diff = checkout.git("diff", "--unified=0", *revisions, "--", "params.yaml").splitlines()
    assert len([line for line in diff if line.startswith("-")]) == len([line for line in diff if line.startswith("+")])
    return [line[1:].strip() for line in diff if line.startswith("+") and not line.startswith("+++")]


def references(checkout: Checkout, *experiments: str) -> list[str]:
    """Return the Git references of those of the experiments that are done."""
    patterns = (f"refs/exps/*/*/{experiment}" for experiment in experiments)
    return checkout.git("for-each-ref", "--format=%(refname)", *patterns).split()


def commit_of(checkout: Checkout, experiment: str) -> str:
    """Return the Git reference under which DVC keeps an experiment."""
    (reference,) = references(checkout, experiment)
    return reference


def wait_for(checkout: Checkout, *experiments: str) -> None:
    """Wait until queued experiments are done."""
    end = time.monotonic() + TIMEOUT_S
    while len(references(checkout, *experiments)) < len(experiments):
        assert time.monotonic() < end, checkout.dvc("queue", "status")
        time.sleep(0.5)


@pytest.fixture(scope="module")
def lab(workshop: Checkout) -> Checkout:
    """Return a checkout with the experiments `resnext` (run at once) and `sweep-1`, `sweep-2` (run from the queue).

    While the queue was at work, the checkout's own code wrote wrong numbers and its training was broken.
    """
    output = workshop.dvc("exp", "run", "-S", "model=resnext", "-n", "resnext")
    # the front end and the windows are the same, and so are the statistics
    after = {"score", "ensemble", "audit", "evaluate", "explain", "report"}
    assert set(stages_run(output)) == {"params", "train", *after}
    assert lines_changed(workshop) == ["model: resnext"]
    workshop.restore()

    workshop.dvc("exp", "run", "--queue", "-S", "model=cnn,resnext", "-S", "evaluate.rule=global", "-n", "sweep")
    workshop.append("src/instrumentarium/runtime/files.py", WRONG_NUMBERS)
    workshop.append("src/instrumentarium/tables/taxonomy.py", "raise RuntimeError('half-finished edit')\n")
    workshop.append("stages/evaluate.py", "raise RuntimeError('half-finished edit')\n")
    workshop.dvc("queue", "start")
    wait_for(workshop, "sweep-1", "sweep-2")
    for name in ("sweep-1", "sweep-2"):
        assert "evaluate" in stages_run(workshop.dvc("queue", "logs", name))
    workshop.dvc("queue", "stop")
    assert "raise RuntimeError" in workshop.git("diff")  # the queue left the edits alone
    workshop.restore()
    workshop.dvc("checkout")
    return workshop


def metrics_of(checkout: Checkout, experiment: str) -> dict:
    """Return the metrics that DVC shows of an experiment, as Git keeps them."""
    return json.loads(checkout.git("show", f"{commit_of(checkout, experiment)}:metrics/evaluate.json"))


def output_of(checkout: Checkout, experiment: str, name: str, folder: Path) -> dict:
    """Return what an experiment's cached JSON output holds."""
    checkout.dvc("get", ".", name, "--rev", commit_of(checkout, experiment), "--out", str(folder / experiment))
    return json.loads((folder / experiment).read_text(encoding="utf-8"))


def test_a_sweep_records_what_its_own_code_measures(lab: Checkout, tmp_path: Path) -> None:
    recorded = {}
    for name, lines in {
        "sweep-1": ["rule: global"],
        "sweep-2": ["model: resnext", "rule: global"],
    }.items():
        recorded[name] = metrics_of(lab, name)
        assert tuple(recorded[name]) == HEADLINE  # and no "edited"
        found = output_of(lab, name, "data/evaluation.json", tmp_path)
        assert "edited" not in found
        assert found["test"]["rule"] == "global"
        assert round(found["test"]["f1_macro"], 4) == recorded[name]["f1_macro"]
        changed = lines_changed(lab, "HEAD", commit_of(lab, name))
        assert [line.partition("#")[0].strip() for line in changed] == lines
    assert recorded["sweep-1"] != recorded["sweep-2"]


def test_experiments_are_shown_side_by_side(lab: Checkout) -> None:
    table = lab.dvc("exp", "show", "--only-changed")
    assert all(name in table for name in ("main", "resnext", "sweep-1", "sweep-2", "global"))
    header = next(line for line in table.splitlines() if "Experiment" in line)
    shown = [word for word in header.split() if word in HEADLINE]
    assert shown == [metric for metric in HEADLINE if metric in shown]
    assert {"evaluate.rule", "model"} <= set(header.split())
    whole = next(line for line in lab.dvc("exp", "show").splitlines() if "Experiment" in line)
    columns = [word for word in whole.split() if word not in {"State", "Executor"}]  # of the queue
    # of a table with a column for each parameter DVC leaves out columns from the right, until it has 1,024 characters
    assert columns[:4] == ["Experiment", "Created", *HEADLINE[:2]], "headline first, without any flag"
    assert whole.index(HEADLINE[0]) + len(HEADLINE[0]) <= TERMINAL
    rows = json.loads(lab.dvc("exp", "show", "--json"))
    assert len(rows) == 2  # the checkout and its commit
    names = {experiment["revs"][0]["name"] for experiment in rows[1]["experiments"]}
    assert names == {"resnext", "sweep-1", "sweep-2"}


def test_metrics_are_compared_between_experiments(lab: Checkout) -> None:
    (diff,) = lab.dvc_json("metrics", "diff", "resnext", "sweep-1", "--all").values()
    assert set(diff) == set(HEADLINE)
    for metric, change in diff.items():
        assert change["old"] == metrics_of(lab, "resnext")[metric]
        assert change["new"] == metrics_of(lab, "sweep-1")[metric]
    instruments = lab.dvc("metrics", "diff", "HEAD", "resnext", "--all", "--targets", "metrics/instruments.json")
    assert "cel.f1" in instruments
    assert "voi.ap" in instruments


def test_metrics_are_readable_in_a_terminal_without_any_flag(lab: Checkout) -> None:
    shown = lab.dvc("metrics", "show").splitlines()
    assert shown[0].split() == ["Path", *sorted(HEADLINE)]
    assert len(shown) == 2
    changed = lab.dvc("metrics", "diff", "HEAD", "resnext").splitlines()
    assert 1 < len(changed) <= 1 + len(HEADLINE)
    assert max(len(line.rstrip()) for line in (shown[1], *changed)) <= TERMINAL
    assert shown[0].index(max(HEADLINE)) < TERMINAL, "of the header, only the last word may pass the edge"


def test_plots_are_drawn_for_several_experiments_together(lab: Checkout, tmp_path: Path) -> None:
    revisions = ("main", "resnext", "sweep-2")
    lab.dvc("plots", "diff", *revisions, "-o", str(tmp_path / "drawn"))
    page = (tmp_path / "drawn" / "index.html").read_text(encoding="utf-8")
    assert all(f'"{revision}"' in page for revision in revisions)
    plots = lab.dvc_json("plots", "diff", *revisions)
    assert not plots.get("errors")
    drawn = {name.rpartition("::")[2] for name in plots["data"]}
    kept = set(lab.git("ls-files", "plots").split())  # beside them lie cached pictures
    assert drawn == kept
    for name, versions in plots["data"].items():
        drawn_of = {revision for version in versions for revision in version["revisions"]}
        assert drawn_of == (set(revisions) if lab.json(name.rpartition("::")[2]) else set()), name


def test_an_experiment_is_applied_whole(lab: Checkout) -> None:
    lab.dvc("exp", "apply", "sweep-2")
    assert lab.json("metrics/evaluate.json") == metrics_of(lab, "sweep-2")
    assert lab.json("data/model/model.json")["trained"]["model"] == "resnext"
    assert lab.dvc_json("status", "dvc.yaml") == {}
    # the committed code measures what was recorded while other code lay here
    lab.dvc("repro", "--force", "--single-item", "evaluate")
    assert lab.json("metrics/evaluate.json") == metrics_of(lab, "sweep-2")
    lab.restore()
    lab.dvc("checkout")
    assert lab.dvc_json("status", "dvc.yaml") == {}


@pytest.mark.parametrize(
    ("settings", "found", "allowed"),
    [
        (
            ["model=resnet"],
            ["model: 'resnet' is not a key of `models`"],
            ["allowed: ast, ast_tiny, beats, ", "; did you mean 'resnext'?"],
        ),
        (
            ["evaluate.rule=best", f"{RATE}=high", "+augmentations.strong.gain.bd=3"],
            ["  evaluate.rule: ", f"  {RATE}: ", "augmentations.strong.gain: 'bd' is not a parameter here"],
            ["'fixed', 'global' or 'per_instrument', found 'best'", "valid number, found 'high'", "(allowed: db)"],
        ),
        (
            ["model=resnext", "models.resnext.backbone.architecture=resnext50_32x4"],
            ["  models.resnext.backbone.architecture: timm has no 'resnext50_32x4'"],
            ["resnext50_32x4d,"],
        ),
    ],
)
def test_wrong_parameters_stop_before_any_work(
    settings: list[str], found: list[str], allowed: list[str], lab: Checkout
) -> None:
    output = lab.dvc("exp", "run", *(word for setting in settings for word in ("-S", setting)), fails=True)
    assert stages_run(output) == ["params"]
    assert [text for text in (*found, *allowed) if text not in output] == [], output
    assert "Traceback" not in output
    for path in ("data/raw/miniature/irmas", "data/clips", "data/model/model.json", "metrics/evaluate.json"):
        assert lab.path(path).exists(), path
    lab.restore()


def test_after_a_wrong_parameter_nothing_has_to_be_run_again(lab: Checkout) -> None:
    lab.dvc("exp", "run", "-S", "collection=ful", fails=True)
    lab.restore()
    # DVC takes away what the wrong collection does not name; the archives come back from the user's cache
    assert set(stages_run(lab.dvc("repro"))) <= {"download@irmas", "download@openmic", "download@esc50", "download@own"}
    assert lab.changes() == ""
    assert lab.dvc_json("status", "dvc.yaml") == {}


def test_a_parameter_that_does_not_exist_cannot_be_set(lab: Checkout) -> None:
    output = lab.dvc("exp", "run", "-S", "modle=resnext", fails=True)
    assert stages_run(output) == []
    assert "Could not override 'modle'" in output
    assert lab.changes() == ""


def test_what_was_built_is_shared_through_a_remote(built: Checkout, tmp_path: Path) -> None:
    store, owner = tmp_path / "store", built.copy(tmp_path / "owner")
    other = Checkout(tmp_path / "other", owner.environment)
    for checkout in (owner, other):
        if checkout is other:
            owner.git("clone", "--quiet", str(owner.root), str(other.root))
        checkout.dvc("remote", "add", "--local", "-d", "store", str(store))
        checkout.dvc("push" if checkout is owner else "pull")

    pushed = {path.parent.name + path.name for path in store.rglob("*") if path.is_file()}
    archives = {name: hashlib.md5(content).hexdigest() for name, content in built.bytes_below("data/raw").items()}
    assert archives
    assert not pushed & set(archives.values()), "publishers' archives are never passed on"

    assert not other.path("data/raw").exists()
    for folder in ("data/clips", "data/model", "metrics", "plots"):
        assert other.bytes_below(folder) == built.bytes_below(folder), folder
    assert other.changes() == ""
    output = other.dvc("repro")
    rendered = {"download@irmas", "download@openmic", "download@esc50"}
    assert rendered <= set(stages_run(output)) <= {*rendered, "download@own"}
    assert other.changes() == ""
    assert other.bytes_below("data/raw") == built.bytes_below("data/raw")
    shutil.rmtree(tmp_path)
