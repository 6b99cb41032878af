import copy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.api import params_show
from dvc.repo import Repo
from pydantic import ValidationError
from ruamel.yaml import YAML

from instrumentarium.acquisition.params import DownloadParams
from instrumentarium.clips.params import WindowsParams
from instrumentarium.config.bases import with_bases
from instrumentarium.config.check import check_files
from instrumentarium.config.clips import used_corpora
from instrumentarium.config.collections import CollectionParams, CorporaParams
from instrumentarium.config.whole import Params, load_params
from instrumentarium.corpora.esc50.groups import GROUPS
from instrumentarium.corpora.esc50.params import Esc50Groups
from instrumentarium.corpora.own.params import OwnParams
from instrumentarium.corpora.source.params import CORPORA, DEFAULT
from instrumentarium.models.params import BACKBONE, CnnParams, TimmParams
from instrumentarium.runtime.section import (
    DeclaredParams,
    ParamsError,
    closest,
    read_yaml,
    stage_params,
    validate,
)
from instrumentarium.splitting.params import SplitParams

COMMITTED = Path(__file__).resolve().parents[2] / "params.yaml"
MISSING = object()
COMMITTED_VALUES = with_bases(read_yaml(COMMITTED))
Change = Callable[..., dict[str, object]]


@pytest.fixture
def changed() -> Change:
    """Return a maker of the committed values with those at some dotted keys replaced, added or removed."""

    def change(**changes: object) -> dict[str, object]:
        values = copy.deepcopy(COMMITTED_VALUES)
        for key, value in changes.items():
            *above, last = key.split("__")
            section = values
            for part in above:
                section = section[part]
            if value is MISSING:
                del section[last]
            else:
                section[last] = value
        return values

    return change


def problems(values: dict[str, object]) -> str:
    with pytest.raises(ParamsError) as error:
        validate(values, Params)
    first, *lines = str(error.value).splitlines()
    assert first == "params.yaml cannot be used as it is:"
    return "\n".join(line.removeprefix("  ") for line in lines)


def valid(values: dict[str, object]) -> Params:
    return validate(values, Params)


def test_the_committed_parameters_are_valid():
    params = load_params(COMMITTED)
    assert params.model in params.models
    assert {"cnn", "resnext"} <= set(params.models)


def test_parameters_cannot_be_changed():
    params = load_params(COMMITTED)
    with pytest.raises(ValidationError, match="frozen"):
        params.seed = 1  # type: ignore[misc]


def test_a_missing_parameter_is_named(changed: Change):
    assert problems(changed(split__openmic_validation_share=MISSING)) == "split.openmic_validation_share: is missing"


def test_a_missing_section_is_named(changed: Change):
    assert problems(changed(windows=MISSING)) == "windows: is missing"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("seed", "2026", "seed: Input should be a valid integer, found '2026'"),
        ("seed", 1.5, "seed: Input should be a valid integer, found 1.5"),
        ("seed", -1, "seed: Input should be greater than or equal to 0, found -1"),
        ("audio__sample_rate_hz", True, "audio.sample_rate_hz: Input should be a valid integer, found True"),
        (
            "augmentations__strong__gain__db",
            "loud",
            "augmentations.strong.gain.db: Input should be a valid number, found 'loud'",
        ),
        (
            "augmentations__strong__mix__probability",
            1.1,
            "augmentations.strong.mix.probability: Input should be less than or equal to 1, found 1.1",
        ),
        (
            "augmentations__strong__gain__db",
            float("nan"),
            "augmentations.strong.gain.db: Input should be a finite number, found nan",
        ),
        ("training__weight_decay", float("inf"), "training.weight_decay: Input should be a finite number, found inf"),
        (
            "labels__irmas_train_absent",
            "missing",
            "labels.irmas_train_absent: Input should be 'negative' or 'unobserved'",
        ),
        ("labels__conflicting", "both", "labels.conflicting: Input should be 'union', 'unknown' or 'drop'"),
        (
            "explain__method",
            "lime",
            "explain.method: Input should be 'auto', 'gradcam', 'attention' or 'gradients', found 'lime'",
        ),
        ("explain__clips", [""], "explain.clips.0: String should have at least 1 character, found ''"),
        ("evaluate__rule", "per-instrument", "evaluate.rule: Input should be 'fixed', 'global' or 'per_instrument'"),
        (
            "collections__miniature__corpora__irmas__use",
            "yes",
            "collections.miniature.corpora.irmas.use: Input should be a",
        ),
        ("models__cnn__backbone__channels", [], "models.cnn.backbone.channels: "),
        ("models__cnn__backbone__channels", [16], "models.cnn.backbone.channels: "),
        (
            "models__cnn__backbone__channels",
            [24, "48"],
            "models.cnn.backbone.channels.1: Input should be a valid integer",
        ),
        (
            "models__cnn__backbone__kind",
            "rnn",
            "models.cnn.backbone: Input tag 'rnn' found using 'kind' does not match",
        ),
        (
            "models__resnext__recipes__miniature__batch_size",
            1,
            "models.resnext.recipes.miniature.batch_size: Input should",
        ),
        (
            "models__resnext__recipes__full__pretrained",
            "no",
            "models.resnext.recipes.full.pretrained: Input should be a",
        ),
        (
            "windows__two_seconds",
            3,
            "windows.two_seconds: Input should be a valid dictionary or instance of WindowsParams",
        ),
    ],
)
def test_a_value_of_the_wrong_type_or_size_is_named(changed: Change, key: str, value: object, message: str):
    assert problems(changed(**{key: value})).startswith(message)


def test_an_unknown_key_is_named_with_the_one_that_was_meant(changed: Change):
    found = problems(changed(augmentations__strong__gian={"db": 6.0}))
    assert found.startswith("augmentations.strong: 'gian' is not a parameter here (allowed: background, ")
    assert found.endswith("; did you mean 'gain'?)")


def test_an_unknown_key_deep_below_is_named(changed: Change):
    found = problems(changed(models__resnext__recipes__miniature__epoch=3))
    assert found.startswith(
        "models.resnext.recipes.miniature: 'epoch' is not a parameter here (allowed: augmentation, batch_size, epochs"
    )
    assert found.endswith("; did you mean 'epochs'?)")
    assert "models.resnext.backbone: 'droput' is not a parameter" in problems(
        changed(models__resnext__backbone__droput=0.1)
    )


def test_a_key_like_no_other_gets_the_list_alone(changed: Change):
    found = problems(changed(xyzzy=1))
    assert found.startswith("'xyzzy' is not a parameter here (allowed: audio, audit, augmentation, augmentations, ")
    assert "did you mean" not in found


def test_an_unknown_model_is_named_with_the_allowed_ones(changed: Change):
    found = problems(changed(model="resnet"))
    assert found.startswith("model: 'resnet' is not a key of `models` (allowed: ast, ")
    assert found.endswith("did you mean 'resnext'?)")


def test_an_unknown_collection_is_named_with_the_allowed_ones(changed: Change):
    found = problems(changed(collection="minature"))
    assert found.startswith("collection: 'minature' is not a key of `collections` (allowed: full, miniature; did you")


def test_an_unknown_taxonomy_is_named_with_the_allowed_ones(changed: Change):
    found = problems(changed(taxonomy="irmas"))
    assert found.startswith(
        "taxonomy: 'irmas' is neither a key of `taxonomies`, nor 'auto', nor the name of a file in "
    )
    assert found.endswith("; allowed: auto, irmas11, openmic20; did you mean 'irmas11'?")
    valid(changed(taxonomy="openmic20"))
    valid(changed(taxonomy="band.yaml"))


def test_an_automatic_taxonomy_is_for_own_data_alone(changed: Change):
    found = problems(changed(taxonomy="auto", collections__miniature__corpora__irmas__use=False))
    assert found == (
        "taxonomy: 'auto' is for own data alone, and collection miniature uses openmic, esc50 as well; "
        "set collections.miniature.corpora.openmic.use to false, or name a taxonomy"
    )
    others = {f"collections__miniature__corpora__{corpus}__use": False for corpus in ("irmas", "openmic", "esc50")}
    own = {"use": True, "path": "table.csv", "form": "auto", "absent": "negative"}
    valid(changed(taxonomy="auto", collections__miniature__corpora__own=own, **others))


BANJO = {"code": "banjo", "name": "banjo", "family": ""}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"instruments": [], "corpora": {}}, "taxonomies.mine.instruments: List should have at least 1 item"),
        ({"instruments": [BANJO, BANJO], "corpora": {}}, "taxonomies.mine: two instruments have the code 'banjo'"),
        (
            {"instruments": [BANJO], "corpora": {"openmic": {"bass": ["banjo", "bass"]}}},
            "taxonomies.mine: corpora.openmic.bass names 'bass', which is no code of its instruments (banjo)",
        ),
        (
            {"instruments": [BANJO], "corpora": {"opemic": "spelling"}},
            f"taxonomies.mine.corpora: 'opemic' is no corpus (allowed: {', '.join(sorted(CORPORA))}; did you mean "
            "'openmic'?)",
        ),
        (
            {"instruments": [BANJO | {"code": "Banjo"}], "corpora": {}},
            "taxonomies.mine.instruments.0.code: String should",
        ),
        (
            {"instruments": [BANJO], "corpora": {"own": "names"}},
            "taxonomies.mine.corpora.own: must be none, spelling, or a mapping of labels to codes or lists of codes, found",
        ),
    ],
)
def test_a_taxonomy_is_checked_also_where_it_is_not_selected(changed: Change, entry: object, message: str):
    assert problems(changed(taxonomies__mine=entry)).startswith(message)


def test_files_and_folders_that_are_not_there_are_named_before_any_work(changed: Change, tmp_path: Path):
    folders = splits, taxonomies, overrides = [tmp_path / name for name in ("splits", "taxonomies", "overrides")]
    for folder in folders:
        folder.mkdir()

    def refusal(**changes: object) -> str:
        with pytest.raises(ParamsError) as error:
            check_files(valid(changed(**changes)), splits, taxonomies, overrides)
        return str(error.value).removeprefix("params.yaml cannot be used as it is:\n  ")

    check_files(load_params(COMMITTED), splits, taxonomies, overrides)
    assert refusal(split__frozen="halves.csv").startswith("split.frozen is 'halves.csv', but ")
    assert refusal(download__archives=str(tmp_path / "gone")).startswith(
        f"download.archives: {tmp_path / 'gone'} does not exist; name a folder"
    )
    (tmp_path / "file").write_text("")
    assert "file is no folder; name a folder" in refusal(download__archives=str(tmp_path / "file"))
    font = {"at": str(tmp_path / "gone.sf2"), "md5": "0" * 32}
    assert refusal(collections__miniature__soundfonts=["TimGM6mb", font]) == (
        f"collections.miniature.soundfonts[1]: {font['at']} cannot be read (No such file or directory); "
        "name an SF2 or SF3 file"
    )
    assert refusal(labels__overrides="mine.csv").startswith("labels.overrides is 'mine.csv', but ")
    (overrides / "mine.csv").write_text("clip_id,instrument,relevance,source,note\na,cel,2,,\n", encoding="utf-8")
    assert "line 2: relevance must be a number from 0 to 1" in refusal(labels__overrides="mine.csv")
    assert refusal(taxonomy="band.yaml").startswith("taxonomy is 'band.yaml', but ")
    (taxonomies / "band.yaml").write_text(
        "instruments:\n- {code: banjo, name: banjo, family: ''}\ncorpora: {opemic: spelling}\n", encoding="utf-8"
    )
    assert "band.yaml: corpora: 'opemic' is no corpus (allowed: " in refusal(taxonomy="band.yaml")
    text = refusal(split__frozen="halves.csv", download__archives=str(tmp_path / "gone"), taxonomy="gone.json")
    assert len(text.splitlines()) == 3


def test_every_model_knows_every_collection(changed: Change):
    found = problems(changed(models__cnn__recipes__full=MISSING))
    assert found == ("models.cnn.recipes must have one entry for each collection (full, miniature), found miniature")


def test_all_mistakes_are_reported_at_once(changed: Change):
    found = problems(changed(seed="x", windows__two_seconds__length_s=MISSING, audio__rate=1))
    assert [line.split(":")[0] for line in found.splitlines()] == ["seed", "audio", "windows.two_seconds.length_s"]


def test_only_what_is_rendered_has_a_size(changed: Change):
    assert problems(changed(collections__miniature__corpora__irmas__test_songs=MISSING)) == (
        "collections.miniature: corpora.irmas of a rendered collection needs test_songs"
    )
    assert problems(changed(collections__full__corpora__esc50__clips=50)) == (
        "collections.full: corpora.esc50 of a published collection must not have clips"
    )


OWN = {"use": False, "path": "table.csv", "form": "auto", "absent": "negative"}
BESIDES: dict[str, dict[str, object]] = {
    "own": OWN,
    "esc50": {"groups": dict.fromkeys(Esc50Groups.model_fields, True)},
    "nsynth": {"parts": ["test"]},
    "slakh": {"parts": ["baby"]},
    "medleydb": {"parts": ["v1"]},
}


def corpora_with(used: str) -> dict[str, dict[str, object]]:
    return {name: BESIDES.get(name, {}) | {"use": name == used} for name in CorporaParams.model_fields}


def test_a_collection_without_music_is_refused(changed: Change):
    silent = {f"collections__full__corpora__{corpus}__use": False for corpus in ("irmas", "openmic")}
    assert problems(changed(**silent)) == (
        "collections.full: at least one of corpora.irmas, openmic and own must be used, or another corpus be named in "
        "`corpora`"
    )
    valid(changed(**silent, corpora=[*DEFAULT, "nsynth"]))


@pytest.mark.parametrize(
    ("corpora", "message"),
    [
        (
            ["irmas", "own", "nsynth"],
            "corpora must name irmas, openmic, esc50, own; openmic, esc50 is missing: what a ",
        ),
        ([*DEFAULT, "nsynth", "nsynth"], "corpora names nsynth more than once"),
        ([*DEFAULT, "nsyth"], "corpora.4: Input should be 'irmas', 'openmic', "),
    ],
)
def test_corpora_are_the_first_four_and_others_that_are_known(changed: Change, corpora: list[str], message: str):
    assert problems(changed(corpora=corpora)).startswith(message)


@pytest.mark.parametrize("corpus", [corpus for corpus in CORPORA if corpus not in DEFAULT])
def test_a_corpus_counts_once_it_is_named(changed: Change, corpus: str):
    before, after = valid(changed()), valid(changed(corpora=[*DEFAULT, corpus]))
    for collection in before.collections:
        assert corpus not in used_corpora(before.collections[collection], before.corpora)
        assert corpus in used_corpora(after.collections[collection], after.corpora)
    with pytest.raises(ParamsError, match=r"at least 1 item|'parts' is not a parameter here"):
        valid(changed(**{f"collections__full__corpora__{corpus}__parts": []}))


def test_an_added_corpus_is_no_own_data(changed: Change):
    others = {f"collections__miniature__corpora__{corpus}__use": False for corpus in ("irmas", "openmic", "esc50")}
    own = OWN | {"use": True}
    found = problems(
        changed(**others, collections__miniature__corpora__own=own, corpora=[*DEFAULT, "tinysol"], taxonomy="auto")
    )
    assert "'auto' is for own data alone, and collection miniature uses tinysol as well" in found


def test_a_collection_may_hold_own_data_only():
    validate({"source": "published", "soundfonts": [], "corpora": corpora_with("own")}, CollectionParams)


def test_own_data_that_are_used_lie_somewhere():
    values = OWN | {"use": True, "path": ""}
    with pytest.raises(ParamsError, match=r"own: path must say where your own data lie, since use is true$"):
        validate(values, OwnParams, "own")


@pytest.mark.parametrize(("key", "value"), [("form", "csv"), ("absent", "positive"), ("path", None)])
def test_own_data_have_closed_choices(key: str, value: object):
    with pytest.raises(ParamsError, match=rf"own\.{key}: "):
        validate(OWN | {key: value}, OwnParams, "own")


def test_a_folder_of_archives_is_named_so_that_every_run_finds_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/someone")
    for written, found in (("/data/archives", "/data/archives"), ("~/archives", "/someone/archives")):
        assert validate({"archives": written}, DownloadParams).folder == Path(found)
    assert validate({"archives": None}, DownloadParams).folder is None
    for wrong in ("archives", "../archives", "", "~someone/archives"):
        with pytest.raises(
            ParamsError, match=r"download\.archives: must be an absolute path, or begin with ~/, or be null"
        ):
            validate({"archives": wrong}, DownloadParams, "download")


def test_every_group_of_negatives_has_a_switch(changed: Change):
    assert [*Esc50Groups.model_fields, "excluded"] == list(GROUPS)
    found = problems(changed(collections__full__corpora__esc50__groups__tonal=MISSING))
    assert found == "collections.full.corpora.esc50.groups.tonal: is missing"
    found = problems(changed(collections__full__corpora__esc50__groups__excluded=True))
    assert found.startswith("collections.full.corpora.esc50.groups: 'excluded' is not a parameter here")


def test_windows_leave_nothing_out():
    with pytest.raises(ParamsError, match=r"windows: hop_s \(4\.0\) exceeds length_s \(3\.0\)"):
        validate(
            {"length_s": 3.0, "hop_s": 4.0, "clip_score": "max", "quietest_db": 35.0, "pitch_shift_semitones": 0.0},
            WindowsParams,
            "windows",
        )


@pytest.mark.parametrize(("low", "high"), [(40.0, 16001.0), (5000.0, 5000.0), (9000.0, 8000.0)])
def test_bands_lie_below_the_nyquist_frequency(changed: Change, low: float, high: float):
    key = "frontends__mel64__"
    text = "frontends.mel64: f_min_hz < f_max_hz <= half the sample rate does not hold"
    rate = {f"{key}sample_rate_hz": 32000}
    assert problems(changed(**rate, **{f"{key}f_min_hz": low, f"{key}f_max_hz": high})).startswith(text)
    valid(changed(**rate, **{f"{key}f_min_hz": 0, f"{key}f_max_hz": 16000}))


def test_fold_five_is_never_for_validation():
    shares = {"train": 0.0, "validation": 0.5, "test": 0.5}
    values = {"irmas_test_songs": shares, "openmic_validation_share": 0.0, "esc50_validation_fold": 5, "own": shares}
    values["frozen"] = None
    with pytest.raises(ParamsError, match=r"split\.esc50_validation_fold: .* less than or equal to 4, found 5"):
        validate(values, SplitParams, "split")


@pytest.mark.parametrize(
    ("validation", "total"), [(0.5, "1.1"), (0.3, "0.9"), (0.399, "0.999")], ids=["over", "under", "nearly"]
)
def test_shares_sum_to_one(changed: Change, validation: float, total: str):
    valid(changed(split__own={"train": 0.1, "validation": 0.4, "test": 0.5}))
    found = problems(changed(split__own={"train": 0.1, "validation": validation, "test": 0.5}))
    assert found.startswith(f"split.own: train, validation and test must sum to 1, their sum is {total}, found")


def test_a_frozen_split_is_a_file_name_or_nothing(changed: Change):
    assert load_params(COMMITTED).split.frozen is None
    assert valid(changed(split__frozen="halves.csv")).split.frozen == "halves.csv"
    assert problems(changed(split__frozen="")).startswith("split.frozen: ")


def test_a_backbones_kind_chooses_its_parameters():
    assert isinstance(validate({"kind": "cnn", "channels": [8, 8]}, BACKBONE), CnnParams)
    assert isinstance(validate({"kind": "timm", "architecture": "resnet18"}, BACKBONE), TimmParams)
    with pytest.raises(ParamsError, match="'architecture' is not a parameter here"):
        validate({"kind": "cnn", "channels": [8, 8], "architecture": "resnet18"}, BACKBONE)


def test_a_closest_word_is_offered_only_where_there_is_one():
    assert closest("lenght", ["hop", "length"]) == "allowed: hop, length; did you mean 'length'?"
    assert closest("q", ["hop", "length"]) == "allowed: hop, length"


def test_yaml_is_read_by_the_rules_of_its_version_1_2(tmp_path: Path):
    (tmp_path / "params.yaml").write_text("a: 1e-3\nb: on\nc: 010\nd: no\n")
    assert read_yaml(tmp_path / "params.yaml") == {"a": 0.001, "b": "on", "c": 10, "d": "no"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seed: [1\n", "is not valid YAML"),
        (b"seed: 1\nseed: 2\n", "is not valid YAML"),
        (b"seed: \xff\n", "is not valid YAML"),
        (b"seed: " + b"[" * 20_000, "is no YAML that can be read: it is nested too deep"),
        (b"seed:\n" + b"- " * 20_000 + b"1", "is no YAML that can be read: it is nested too deep"),
        (b"seed: " + b"9" * 5000, "holds a value that cannot be read"),
        (b"seed: 2024-13-45\n", "holds a value that cannot be read"),
        (b"- 1\n", "must hold a mapping of parameters, found list"),
        (b"", "must hold a mapping of parameters, found NoneType"),
    ],
)
def test_a_file_that_is_no_mapping_is_named(tmp_path: Path, content: bytes, message: str):
    (tmp_path / "params.yaml").write_bytes(content)
    with pytest.raises(ParamsError, match=rf"params\.yaml {message}"):
        load_params(tmp_path / "params.yaml")


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ParamsError, match=r"params\.yaml is missing; run from the repository's root, or restore it"):
        load_params(tmp_path / "params.yaml")


def test_a_section_that_an_earlier_stage_wrote_takes_its_place_and_is_checked_as_it_is_read(tmp_path: Path):
    params = DeclaredParams({"seed": 3}, "train")
    (tmp_path / "audio.json").write_text('{"rate": 8000}', encoding="utf-8")
    included = params.including("audio", tmp_path / "audio.json")
    assert (included.read("audio.rate", int), included.read("seed", int)) == (8000, 3)
    assert (included.written, params.written) == ({"audio"}, frozenset())
    with pytest.raises(ParamsError, match=r"audio is not in params\.yaml"):
        params.read("audio", dict)
    with pytest.raises(ParamsError, match=r"none\.json is missing; run `dvc repro`"):
        params.including("audio", tmp_path / "none.json")


def test_a_stage_reads_what_it_declares_and_nothing_else():
    declared = DeclaredParams({"split": {"openmic_validation_share": 0.5}, "seed": 3}, "split")
    assert declared.read("seed", int) == 3
    assert declared.read("split.openmic_validation_share", float) == 0.5
    for key in ("model", "split.esc50_validation_fold", "seed.deeper"):
        with pytest.raises(ParamsError, match=rf"{key} is not in params\.yaml, or stage 'split' does not declare it"):
            declared.read(key, int)
    with pytest.raises(ParamsError, match=r"split\.esc50_validation_fold: is missing"):
        declared.read("split", SplitParams)


def test_outside_dvc_all_parameters_are_read(changed: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    YAML(typ="safe").dump(changed(seed=99), tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    assert stage_params().read("seed", int) == 99
    assert validate(stage_params().values, Params) == load_params()


@pytest.fixture
def in_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a repository of DVC's that has this one's stages and parameters."""
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copyfile(COMMITTED.with_name(name), tmp_path / name)
    Repo.init(str(tmp_path), no_scm=True).close()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("stage", ["ingest@irmas", "train", "params"])
def test_inside_a_stage_only_what_it_declares_is_there(
    stage: str, in_a_repository: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DVC_STAGE", stage)
    assert stage_params().values == params_show(stages=stage)


def test_what_a_stage_does_not_declare_cannot_be_read(in_a_repository: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DVC_STAGE", "ingest@irmas")
    assert stage_params().read("collection", str) == "miniature"
    for key in ("seed", "collections.full.source", "collections.miniature.corpora.openmic"):
        with pytest.raises(ParamsError, match=f"{key} is not in params.yaml, or stage 'ingest@irmas' does not declare"):
            stage_params().read(key, str)
