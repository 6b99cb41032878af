"""What a change makes stale: as little as can be, and never too little."""

import json
import textwrap
from collections.abc import Mapping

import pytest
from pipeline.checkout import Checkout, stages_run

PACKAGE = "src/instrumentarium"
DOWNLOADS = {"download@irmas", "download@openmic", "download@esc50", "download@own"}
INGESTS = {"ingest@irmas", "ingest@openmic", "ingest@esc50", "ingest@own"}

AFTER_EDIT = {
    f"{PACKAGE}/evaluation/metrics.py": {"params", "baseline", "ensemble", "evaluate", "report"},
    f"{PACKAGE}/corpora/irmas/parser.py": {"params", "download@irmas", "ingest@irmas"},
    f"{PACKAGE}/corpora/own/parser.py": {"params", "download@own", "ingest@own"},
    f"{PACKAGE}/corpora/source/archives.py": {"params", *DOWNLOADS, *INGESTS},
    f"{PACKAGE}/miniature/synthesis/sampler.py": {"params", *DOWNLOADS},
    f"{PACKAGE}/acquisition/archivecache.py": {"params", *DOWNLOADS},
    f"{PACKAGE}/ingestion/ingest.py": {"params", *INGESTS},
    f"{PACKAGE}/duplicates/landmarks.py": {"params", "duplicates"},
    f"{PACKAGE}/splitting/search.py": {"params", "split", "audit"},
    "overrides/README.md": {"params", "duplicates"},
    "splits/README.md": {"params", "split"},
    "taxonomies/README.md": {"params"},
    f"{PACKAGE}/frontends/logmel.py": {"params", "stats", "train", "score", "explain"},
    f"{PACKAGE}/keys/tonality.py": {"params", "keys"},
    f"{PACKAGE}/statistics/bands.py": {"params", "stats"},
    f"{PACKAGE}/models/backbones/cnn.py": {"params", "train", "score", "explain"},
    f"{PACKAGE}/training/objectives/cross_entropy.py": {"params", "train"},
    f"{PACKAGE}/pretraining/masked.py": {"params"},
    f"{PACKAGE}/scoring/recognizer.py": {"params", "score"},
    f"{PACKAGE}/auditing/outoffold.py": {"params", "audit"},
    f"{PACKAGE}/explaining/maps.py": {"params", "explain"},
    f"{PACKAGE}/drawing/style.py": {"params", "baseline", "explain", "report"},
    f"{PACKAGE}/reporting/report.html.jinja": {"params", "report"},
    f"{PACKAGE}/config/whole.py": {"params"},
    f"{PACKAGE}/comparing/pairing.py": {"params"},
    f"{PACKAGE}/predicting/ladder.py": {"params"},
    f"{PACKAGE}/commands/app.py": {"params"},
    "stages/score.py": {"score"},
}
"""The stages that an edit of a file changes directly; those after them follow if the outputs come out different."""

AFTER_SETTING = {
    "model=resnext": {"params", "train", "report"},
    "model=waveform": {"params", "stats", "descriptors", "train", "report"},
    "head=attention": {"params", "train"},
    "taxonomy=openmic20": {"params", "duplicates"},
    "models.resnext.recipes.miniature.epochs=99": {"params"},
    "models.cnn.recipes.miniature.epochs=99": {"params", "train"},
    "models.cnn.recipes.full.epochs=99": {"params"},
    "frontends.mel64.f_min_hz=61.5": {"params", "stats", "train"},
    "frontends.mel128.f_min_hz=61.5": {"params"},
    "pretraining.share=0.3": {"params"},
    "evaluate.rule=fixed": {"params", "baseline", "ensemble", "evaluate"},
    "explain.method=gradients": {"params", "explain"},
    "report.gallery=3": {"params", "report"},
    "augmentations.strong.gain.db=1.25": {"params", "train"},
    "augmentation=by_key": {"params", "keys", "train"},
    "augmentation=sum": {"params", "train"},
    "augmentations.mild.gain.db=1.25": {"params"},
    "split.openmic_validation_share=0.27": {"params", "split"},
    "collections.miniature.corpora.openmic.clips=18": {"params", "download@openmic", "ingest@openmic"},
    "collections.miniature.corpora.openmic.use=false": {"params", "download@openmic", "ingest@openmic"},
    "collections.miniature.corpora.esc50.groups.tonal=false": {"params", "download@esc50", "ingest@esc50"},
    "audio.sample_rate_hz=31000": {"params", *INGESTS, "duplicates", "keys", "stats", "descriptors", "train", "report"},
    "labels.conflicting=drop": {"params", "duplicates", "split"},
    "audit.listed=50": {"params", "audit"},
    "taxonomies.openmic20.corpora.own.vocals=bass": {"params"},
    "collections.miniature.corpora.own.absent=unobserved": {"params", "download@own", "ingest@own"},
    "windows.two_seconds.hop_s=0.75": {"params", "stats", "descriptors", "train"},
    "windows.three_seconds.hop_s=0.75": {"params"},
    "seed=77": {"params", *DOWNLOADS, "split", "train", "baseline", "ensemble", "audit", "evaluate", "explain"},
}

STATUS_AFTER = """
import json, shutil, sys
from pathlib import Path
from dvc.repo import Repo
from dvc.utils.hydra import apply_overrides
sys.path.insert(0, "src")
from instrumentarium.config.selection import write_selection
from instrumentarium.config.whole import load_params
from instrumentarium.runtime.files import write_json
from instrumentarium.tables.selection import select_taxonomy
edits, settings = json.loads(sys.argv[1])
changed = {}

def change_and_ask(name, path, change, ask):
    before = Path(path).read_bytes()
    change()
    changed[name] = sorted(ask())
    Path(path).write_bytes(before)

def select():
    params, folder = load_params(), Path("data/selected")  # what the stage params would do first
    write_selection(params.selection, folder)
    write_json(folder / "training.json", params.training.model_dump(mode="json"))
    taxonomy = select_taxonomy(params.taxonomy, params.taxonomies, Path("taxonomies"))
    write_json(Path("data/selected_taxonomy.json"), taxonomy.model_dump(mode="json"))

def set_and_select(setting):
    apply_overrides("params.yaml", [setting])
    select()

def ask_anew():
    with Repo() as repo:
        return repo.status(targets=["dvc.yaml"])

with Repo() as repo, repo.lock:  # an edit leaves dvc.yaml, and so the stages, as they were: half the time is reading it
    stages = [stage for stage in repo.index.stages if stage.path_in_repo == "dvc.yaml"]
    for path in edits:
        change_and_ask(
            path,
            path,
            lambda: Path(path).write_bytes(Path(path).read_bytes() + b"# edited\\n"),
            lambda: [name for stage in stages for name in stage.status()],
        )
for setting in settings:
    change_and_ask(setting, "params.yaml", lambda: set_and_select(setting), ask_anew)
    select()
print("\\f" + json.dumps(changed))
"""


@pytest.fixture(scope="module")
def changed(workshop: Checkout) -> Mapping[str, set[str]]:
    """Return, for each edit and setting, the stages that `dvc status` then names; in one process, for its start is slow."""
    cases = json.dumps([list(AFTER_EDIT), list(AFTER_SETTING)])
    output = workshop.run("python", "-c", textwrap.dedent(STATUS_AFTER), cases)
    return {name: set(stages) for name, stages in json.loads(output.rpartition("\f")[2]).items()}


@pytest.mark.parametrize("path", AFTER_EDIT)
def test_an_edit_changes_the_stages_that_run_the_code(path: str, changed: Mapping[str, set[str]]) -> None:
    assert changed[path] == AFTER_EDIT[path]


@pytest.mark.parametrize("setting", AFTER_SETTING)
def test_a_parameter_changes_the_stages_that_read_it(setting: str, changed: Mapping[str, set[str]]) -> None:
    assert changed[setting] == AFTER_SETTING[setting]


def test_an_edit_of_evaluation_runs_only_what_evaluates_and_reports(workshop: Checkout) -> None:
    workshop.append(f"{PACKAGE}/evaluation/metrics.py", "# edited\n")
    assert stages_run(workshop.dvc("repro")) == ["params", "baseline", "ensemble", "evaluate", "report"]
    assert workshop.changes().split() == ["M", "dvc.lock", "M", f"{PACKAGE}/evaluation/metrics.py"]
    workshop.restore()
    assert stages_run(workshop.dvc("repro")) == []  # the earlier result is in DVC's cache
