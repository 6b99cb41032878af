"""A published model: loads as the model it is, says how good it is and under which terms, and comes whole or not at all."""

import json
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from publishing.conftest import publish_corpora, write_results
from typer.testing import CliRunner

from instrumentarium.commands.app import app
from instrumentarium.models.modelfile import ModelFileError, load_model
from instrumentarium.predicting.loading import load_ladder
from instrumentarium.publishing.material import MaterialError
from instrumentarium.publishing.modelfolder import FILES, DestinationError, publish_model
from instrumentarium.publishing.results import ResultsError

MODEL = Path("data/model")


def published(folder: Path) -> Path:
    publish_model(folder, MODEL, Path(), "cc-by-4.0")
    return folder


def test_it_is_a_model_folder_with_its_thresholds(workspace: Path, tmp_path: Path):
    folder = published(tmp_path / "band")
    assert {path.name for path in folder.iterdir()} == set(FILES)
    for name in FILES[:3]:
        assert (folder / name).read_bytes() == (MODEL / name).read_bytes()
    load_ladder(folder)


def test_its_card_has_each_metric_with_its_interval(workspace: Path, tmp_path: Path):
    card = ModelCard.load(published(tmp_path / "band") / "README.md")
    assert (card.data.license, card.data.library_name) == ("cc-by-4.0", "instrumentarium")
    results = {each.metric_name: each for each in card.data.eval_results or []}
    assert len(results) == 5, "what is undefined is no metric"
    f1 = results["macro F1 (f1_macro)"]
    assert (f1.metric_type, f1.metric_value, f1.dataset_split) == ("f1", 0.5, "test")
    assert f1.metric_args == {"interval": {"level": "95 %", "over": "recordings", "low": 0.4, "high": 0.6}}
    assert "| macro F1 | 0.500 | 0.400 to 0.600 |" in card.text
    assert "| clarinet | 1 | – | 0.050 | 0.010 |" in card.text


def test_a_model_of_rendered_music_has_the_terms_of_the_renderer_alone(workspace: Path, tmp_path: Path):
    text = (published(tmp_path / "band") / "README.md").read_text()
    assert "GPL 2" in text
    assert "CC BY-NC-SA 3.0" not in text


def test_a_model_of_other_soundfonts_has_their_terms_and_not_those_of_timgm6mb(workspace: Path, tmp_path: Path):
    path, md5 = workspace / "params.yaml", "0" * 32
    content = json.loads(path.read_text())
    (collection,) = content["collections"].values()
    collection["soundfonts"] = [{"at": "/fonts/free.sf2", "md5": md5}]
    path.write_text(json.dumps(content))
    text = (published(tmp_path / "out") / "README.md").read_text()
    assert f"- the samples: the SoundFont free.sf2, md5 {md5}: the licence that came with it" in text
    assert "TimGM6mb" not in text


def test_a_model_of_the_published_corpora_has_their_terms(workspace: Path, tmp_path: Path):
    publish_corpora(workspace)
    text = (published(tmp_path / "band") / "README.md").read_text()
    assert "- IRMAS, audio and labels: [CC BY-NC-SA 3.0](https://creativecommons.org/licenses/by-nc-sa/3.0/)" in text
    assert "CC BY-NC 3.0" in text
    assert "GPL" not in text
    assert "Bosch" in text


def test_the_same_model_gives_the_same_bytes(workspace: Path, tmp_path: Path):
    first, second = published(tmp_path / "first"), published(tmp_path / "second")
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in FILES)


def test_results_of_another_model_are_refused(workspace: Path, tmp_path: Path):
    write_results(Path("data/evaluation.json"), MODEL / "thresholds.json", temperature=0.9)
    with pytest.raises(ResultsError, match=r"results of another model .*`dvc exp apply`"):
        published(tmp_path / "band")
    assert not (tmp_path / "band").exists()


def test_missing_results_are_asked_for(workspace: Path, tmp_path: Path):
    Path("data/evaluation.json").unlink()
    with pytest.raises(ResultsError, match=r"evaluation.json is missing.*`dvc repro evaluate`"):
        published(tmp_path / "band")


@pytest.mark.parametrize("content", ["{", "[]", '{"test": {"f1_macro": 0.5}}', '{"test": 3}'])
def test_damaged_results_are_refused(workspace: Path, tmp_path: Path, content: str):
    Path("data/evaluation.json").write_text(content)
    with pytest.raises(ResultsError, match="holds no results"):
        published(tmp_path / "band")


def test_a_damaged_model_is_not_published_and_what_was_there_stays(workspace: Path, tmp_path: Path):
    folder = published(tmp_path / "band")
    earlier = {name: (folder / name).read_bytes() for name in FILES}
    weights = bytearray((MODEL / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (MODEL / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelFileError, match="does not hold the weights"):
        published(folder)
    assert {name: (folder / name).read_bytes() for name in FILES} == earlier


def test_it_is_not_written_over_the_model_itself(workspace: Path):
    with pytest.raises(DestinationError, match="is the model itself"):
        published(MODEL)


def test_other_files_of_the_folder_stay(workspace: Path, tmp_path: Path):
    folder = tmp_path / "band"
    folder.mkdir()
    (folder / ".gitattributes").write_text("mine")
    assert (published(folder) / ".gitattributes").read_text() == "mine"
    load_model(folder)


def test_a_collection_that_params_do_not_name_is_asked_for(workspace: Path, tmp_path: Path):
    Path("params.yaml").write_text(json.dumps({"collections": {}}))
    with pytest.raises(MaterialError, match="publish from the repository that trained the model"):
        published(tmp_path / "band")


def test_a_damaged_card_of_a_corpus_is_named(workspace: Path, tmp_path: Path):
    next(Path("data/clips").rglob("irmas/card.json")).write_text("{}")
    with pytest.raises(MaterialError, match=r"irmas/card.json is no card of a corpus"):
        published(tmp_path / "band")


def test_the_command_says_what_it_wrote_and_that_a_licence_is_to_be_chosen(workspace: Path, tmp_path: Path):
    ran = CliRunner().invoke(app, ["publish", str(tmp_path / "band")])
    assert ran.exit_code == 0, ran.output
    assert "README.md" in ran.output
    assert "choose one with --licence" in ran.output
