"""What dvc.yaml declares, held against the code: deps, outs, metrics, plots, and how params.yaml is written."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import imports
import pytest
from dvc.repo import Repo
from dvc.stage import Stage
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import modify_yaml

from instrumentarium.config.bases import with_bases
from instrumentarium.config.whole import load_params
from instrumentarium.runtime.section import read_yaml

ROOT = imports.ROOT
COMMITTED = {"constraints.txt", "overrides", "params.yaml", "splits", "taxonomies"}
"""What Git keeps and a stage reads, besides code."""
CHECKS_ALL = "params"
"""The stage that checks what all others take: it depends on all code, takes seconds, and leaves equal files in place."""
UNCACHED = ("data/raw/", "data/pretrained/")
"""Archives lie in the user's cache already; DVC would only copy them. What few clones make, others would miss."""


@pytest.fixture(scope="module")
def stages() -> Iterator[dict[str, Stage]]:
    """Every stage by its name, as DVC resolves it with the params.yaml at hand."""
    with Repo(str(ROOT)) as repo:
        yield {stage.name: stage for stage in repo.index.stages}


def name_of(stage: Stage) -> tuple[str, str | None]:
    """Return a stage's name and, for one of a matrix, its item."""
    name, _, item = stage.name.partition("@")
    return name, item or None


def code_of(stage: Stage) -> set[str]:
    """Return the code a stage declares as dependencies, as paths from the repository's root."""
    paths = {dep.def_path for dep in stage.deps if not hasattr(dep, "params")}
    return {path for path in paths if path.startswith(("src/", "stages/"))}


def needed(name: str, item: str | None) -> set[str]:
    """Return the code that a stage's script reaches: itself, and the rooms of the modules it imports.

    A corpus is a room of its own where a stage is run for each. Packages' `__init__.py` that hold only a docstring are
    left out: what does nothing makes nothing stale.
    """
    script = ROOT / "stages" / f"{name}.py"
    if name == CHECKS_ALL:
        return {script.relative_to(ROOT).as_posix(), "src/instrumentarium"}
    rooms = set()
    for path in imports.reached(script, item) - {script}:
        if imports.does_nothing(path):
            continue
        parts = path.relative_to(ROOT).parts
        rooms.add("/".join(parts[:4] if item and parts[2] == "corpora" else parts[:3]))
    return {script.relative_to(ROOT).as_posix(), *rooms}


def templated(paths: set[str], item: str | None) -> set[str]:
    """Return paths as dvc.yaml writes them for all items of a matrix together."""
    return {path.replace(f"corpora/{item}", "corpora/${item.corpus}") if item else path for path in paths}


def test_every_stage_has_a_script_and_every_script_a_stage(stages: Mapping[str, Stage]) -> None:
    assert {name_of(stage)[0] for stage in stages.values()} == {path.stem for path in (ROOT / "stages").glob("*.py")}
    for stage in stages.values():
        assert stage.cmd.startswith(f"python stages/{name_of(stage)[0]}.py ")


def test_code_dependencies_are_what_the_script_reaches(stages: Mapping[str, Stage]) -> None:
    declared: dict[str, set[str]] = {}
    wanted: dict[str, set[str]] = {}  # by any item: the items of a matrix share one list
    for stage in stages.values():
        name, item = name_of(stage)
        declared.setdefault(name, set()).update(templated(code_of(stage), item))
        wanted.setdefault(name, set()).update(templated(needed(name, item), item))
    for name, paths in wanted.items():
        lines = "\n".join(f"    - {path}" for path in sorted(paths))
        assert declared[name] == paths, f"the code that stage {name} reaches, as dvc.yaml should list it:\n{lines}"


def test_dependencies_stand_once_and_exist_in_the_repository(stages: Mapping[str, Stage]) -> None:
    for stage in stages.values():
        paths = [dep.def_path for dep in stage.deps if not hasattr(dep, "params")]
        assert len(paths) == len(set(paths)), stage.name
        assert all((ROOT / path).exists() for path in code_of(stage)), stage.name


def test_bytecode_does_not_count() -> None:
    # it holds its folder's path, and appears during a run: no two clones would agree on a folder of code
    with Repo(str(ROOT)) as repo:
        for folder in ("src/instrumentarium/models", "src/instrumentarium/corpora/irmas"):
            assert repo.dvcignore.is_ignored_dir(str(ROOT / folder / "__pycache__"))
            assert repo.dvcignore.is_ignored_file(str(ROOT / folder / "__init__.pyc"))
            assert not repo.dvcignore.is_ignored_file(str(ROOT / folder / "__init__.py"))


def test_data_dependencies_are_outputs_of_other_stages(stages: Mapping[str, Stage]) -> None:
    made = {out.def_path for stage in stages.values() for out in stage.outs}
    for stage in stages.values():
        data = {dep.def_path for dep in stage.deps if not hasattr(dep, "params")} - code_of(stage) - COMMITTED
        within = lambda path, each: each.startswith(f"{path}/") or path.startswith(f"{each}/")  # noqa: E731
        unmade = {path for path in data - made if not any(within(path, each) for each in made)}
        assert not unmade, f"{stage.name}: no stage makes {sorted(unmade)}"


def test_only_archives_and_pretrained_weights_are_kept_out_of_the_cache(stages: Mapping[str, Stage]) -> None:
    # an uncached out that is neither metric nor plot switches DVC's run cache off for its stage
    for stage in stages.values():
        for out in stage.outs:
            if out.metric or out.plot:
                assert not out.use_cache, f"{out.def_path}: metrics and plots belong to Git, so `cache: false`"
            else:
                assert out.use_cache != out.def_path.startswith(UNCACHED), out.def_path
            assert not out.persist, f"{out.def_path}: what persists is never rebuilt from scratch"


def test_a_plot_is_described_by_its_template_alone(stages: Mapping[str, Stage]) -> None:
    templates = {path.stem for path in (ROOT / ".dvc" / "plots").glob("*.json")}
    used = set()
    for out in (out for stage in stages.values() for out in stage.outs if out.plot):
        assert set(out.plot) == {"template"}, f"{out.def_path}: titles and axes stand in the template"
        assert out.plot["template"] in templates, out.def_path
        used.add(out.plot["template"])
    assert used == templates, "templates that no plot uses"


def test_metrics_and_plots_belong_to_the_stage_of_their_folder(stages: Mapping[str, Stage]) -> None:
    for stage in stages.values():
        name, _ = name_of(stage)
        for out in stage.outs:
            if out.metric:
                assert out.def_path == f"metrics/{name}.json"
            if out.plot:
                assert out.def_path.startswith(f"plots/{name}/")


def test_one_file_of_metrics_keeps_what_dvc_shows_readable(stages: Mapping[str, Stage]) -> None:
    outs = [out for stage in stages.values() for out in stage.outs]
    assert [out.def_path for out in outs if out.metric] == ["metrics/evaluate.json"]
    (instruments,) = (out for out in outs if out.def_path == "metrics/instruments.json")
    assert instruments.use_cache, "an output outside the cache would switch off the run cache"


def test_every_stage_is_described_and_plain(stages: Mapping[str, Stage]) -> None:
    for stage in stages.values():
        assert stage.desc, f"{stage.name} has no desc"
        assert not stage.frozen, stage.name
        assert not stage.always_changed, stage.name
        assert stage.wdir == str(ROOT), stage.name
        assert stage.deps, f"{stage.name} would run every time"


def test_each_corpus_has_its_own_download_and_ingest(stages: Mapping[str, Stage]) -> None:
    from instrumentarium.corpora.source.params import DEFAULT

    for name in ("download", "ingest"):
        assert {item for part, item in map(name_of, stages.values()) if part == name} == set(DEFAULT)


def test_a_corpus_that_is_named_has_stages_and_the_others_stay_as_they_are(
    stages: Mapping[str, Stage], tmp_path: Path
) -> None:
    from instrumentarium.corpora.source.params import CORPORA, DEFAULT

    (tmp_path / "pretraining").mkdir()
    for name in ("dvc.yaml", "params.yaml", "pretraining/dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    apply_overrides(str(tmp_path / "params.yaml"), [f"corpora=[{','.join(CORPORA)}]"])
    before = {name: (stage.cmd, *map(str, [*stage.deps, *stage.outs])) for name, stage in stages.items()}
    with Repo.init(str(tmp_path), no_scm=True) as repo:
        after = {
            stage.name: (stage.cmd, *map(str, [*stage.deps, *stage.outs])) for stage in repo.index.stages if stage.name
        }
    added = [corpus for corpus in CORPORA if corpus not in DEFAULT]
    assert {name: after.get(name) for name in before} == before
    assert set(after) - set(before) == {f"{part}@{corpus}" for part in ("download", "ingest") for corpus in added}
    for corpus in added:
        assert f"src/instrumentarium/corpora/{corpus}" in after[f"ingest@{corpus}"]
        assert (ROOT / "src" / "instrumentarium" / "corpora" / corpus).is_dir()


def test_params_yaml_passes_its_own_check() -> None:
    params = load_params(ROOT / "params.yaml")
    assert params.collection == "miniature"
    assert params.model in params.models


def test_params_yaml_is_written_as_dvc_writes_it(tmp_path: Path) -> None:
    # otherwise `-S` of one value would also rewrite lines that nobody touched
    copy = Path(shutil.copy(ROOT / "params.yaml", tmp_path))
    with modify_yaml(copy):
        pass
    assert copy.read_bytes() == (ROOT / "params.yaml").read_bytes()


SETTINGS = {
    "model": "resnext",
    "head": "attention",
    "augmentation": "mild",
    "taxonomy": "openmic20",
    "taxonomies.openmic20.corpora.own.vocals": "bass",
    "seed": 7,
    "collections.miniature.corpora.openmic.use": "false",
    "collections.miniature.corpora.esc50.groups.tonal": "false",
    "models.cnn.recipes.miniature.learning_rate": 0.00123,
    "models.resnext.recipes.miniature.precision": "bf16-mixed",
    "heads.linear_mean.dropout": 0.345,
    "augmentations.strong.gain.db": 1.25,
    "split.esc50_validation_fold": 3,
    "split.irmas_test_songs.validation": 0.25,
    "split.frozen": "halves.csv",
    "labels.overrides": "reviewed.csv",
    "pretraining.method": "contrastive",
    "pretraining.share": 0.3,
    "descriptors.n_mfcc": 13,
    "baseline.svm.rbf_c": 3.0,
    "baseline.surfaces": "true",
    "ensemble.stacking_c": 0.1,
    "evaluate.rule": "global",
    "explain.method": "gradients",
    "report.gallery": 3,
    "download.archives": "/data/archives",
}


def test_a_parameter_set_by_dvc_changes_one_line(tmp_path: Path) -> None:
    copy = Path(shutil.copy(ROOT / "params.yaml", tmp_path))
    apply_overrides(str(copy), [f"{key}={value}" for key, value in SETTINGS.items()])
    before, after = ((ROOT / "params.yaml").read_text().splitlines(), copy.read_text().splitlines())
    assert len(before) == len(after)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == len(SETTINGS), changed
    for key, value in SETTINGS.items():
        wanted = f"{key.rpartition('.')[2]}: {value}"
        assert sum(wanted in line for line in changed) == 1, (wanted, changed)


def test_every_parameter_of_every_stage_exists_for_every_model(stages: Mapping[str, Stage]) -> None:
    values = with_bases(read_yaml(ROOT / "params.yaml"))
    models = values["models"]
    assert isinstance(models, dict)
    selected = str(values["model"])
    for stage in stages.values():
        for dep in stage.deps:
            for key in getattr(dep, "params", ()):
                for model in models:
                    found: object = values
                    for part in key.replace(f"models.{selected}.", f"models.{model}.").split("."):
                        assert isinstance(found, dict), f"{stage.name}: {key}"
                        assert part in found, f"{stage.name}: {key} of model {model}"
                        found = found[part]
