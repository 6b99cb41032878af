"""A described collection: Croissant that its own validator takes and loads, and a datasheet that counts right."""

import json
import sys
from pathlib import Path

import mlcroissant
import pandas as pd
import pytest
from publishing.conftest import publish_corpora
from typer.testing import CliRunner

from instrumentarium.commands.app import app
from instrumentarium.publishing.collectionfolder import FILES, describe
from instrumentarium.publishing.material import MaterialError


def described(folder: Path) -> Path:
    describe(folder, Path())
    return folder


def loaded(folder: Path) -> mlcroissant.Dataset:
    """Return the metadata as the validator reads them; a mistake in them raises."""
    dataset = mlcroissant.Dataset(jsonld=folder / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    assert dataset.metadata.ctx.issues.warnings == {
        next(w for w in dataset.metadata.ctx.issues.warnings if "datePublished" in w)
    }, "a date would differ from run to run"
    return dataset


def test_each_table_is_loaded_from_the_metadata_row_by_row(workspace: Path, tmp_path: Path):
    dataset = loaded(described(tmp_path / "described"))
    for name in ("clips", "labels", "split"):
        table = pd.read_csv(tmp_path / "described" / f"{name}.csv", keep_default_na=False)
        records = list(dataset.records(name))
        assert len(records) == len(table)
        first = {key.partition("/")[2]: value for key, value in records[0].items()}
        assert list(first) == list(table.columns)
        assert first["clip_id"].decode() == table["clip_id"][0]


def test_a_changed_table_is_noticed(workspace: Path, tmp_path: Path):
    folder = described(tmp_path / "described")
    (folder / "split.csv").write_text((folder / "split.csv").read_text().replace("train", "trian"))
    with pytest.raises(mlcroissant.GenerationError, match=r"Download\(split.csv\)") as caught:
        list(loaded(folder).records("split"))
    assert "hash" in str(caught.value.__cause__).lower()


def test_the_publishers_archives_are_named_by_address_and_md5(workspace: Path, tmp_path: Path):
    publish_corpora(workspace)
    archive = next(Path("data/clips").iterdir()).name
    raw = Path("data/raw") / archive / "esc50"
    raw.mkdir(parents=True)
    (raw / "ESC-50-master.zip").write_bytes(b"abc")
    metadata = json.loads((described(tmp_path / "described") / "croissant.json").read_text())
    files = {each["name"]: each for each in metadata["distribution"]}
    assert files["IRMAS-TrainingData.zip"]["md5"] == "4fd9f5ed5a18d8e2687e6360b5f60afe"
    assert files["IRMAS-TrainingData.zip"]["contentUrl"].startswith("https://zenodo.org/")
    assert files["ESC-50-master.zip"]["md5"] == "900150983cd24fb0d6963f7d28e17f72"  # of "abc", RFC 1321
    assert "https://creativecommons.org/licenses/by-nc-sa/3.0/" in metadata["license"]
    loaded(tmp_path / "described")


def test_an_archive_without_a_published_md5_must_be_at_hand(workspace: Path, tmp_path: Path):
    publish_corpora(workspace)
    with pytest.raises(MaterialError, match=r"ESC-50-master.zip is missing.*`dvc repro download`"):
        described(tmp_path / "described")
    assert not (tmp_path / "described").exists()


def test_a_rendered_collection_names_no_archives(workspace: Path, tmp_path: Path):
    metadata = json.loads((described(tmp_path / "described") / "croissant.json").read_text())
    assert {each["name"] for each in metadata["distribution"]} == {"clips.csv", "labels.csv", "split.csv"}


def test_the_datasheet_counts(workspace: Path, tmp_path: Path):
    text = (described(tmp_path / "described") / "datasheet.md").read_text()
    assert "6 clips of 6 recordings" in text
    assert "| IRMAS | 4 | 4 | 0.00 | 2 | 1 | 1 | 1 |" in text
    assert "| ESC-50 | 2 | 2 | 0.00 | 1 | 0 | 1 | 1 |" in text
    assert "| cello | 1 | 0 | 0 |" in text
    assert "| violin | 0 | 0 | 0 |" in text
    for section in ("Motivation", "Composition", "Collection process", "Uses", "Distribution", "Maintenance"):
        assert f"\n## {section}\n" in text


def test_places_in_the_sample_store_are_not_passed_on(workspace: Path, tmp_path: Path):
    columns = pd.read_csv(described(tmp_path / "described") / "clips.csv").columns
    assert "pcm_hash" in columns
    assert not {"first_sample", "n_samples"} & set(columns)


def test_the_same_collection_gives_the_same_bytes(workspace: Path, tmp_path: Path):
    first, second = described(tmp_path / "first"), described(tmp_path / "second")
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in FILES)


def test_the_command_says_what_it_wrote(workspace: Path, tmp_path: Path):
    ran = CliRunner().invoke(app, ["describe-collection", str(tmp_path / "described")])
    assert ran.exit_code == 0, ran.output
    assert "6 clips of 6 recordings" in ran.output


def test_a_missing_table_is_asked_for(workspace: Path, tmp_path: Path):
    Path("data/split.csv").unlink()
    ran = CliRunner().invoke(app, ["describe-collection", str(tmp_path / "described")])
    assert ran.exit_code == 2
    assert "split.csv" in ran.output


@pytest.mark.parametrize(
    ("command", "package"), [("publish", "huggingface_hub"), ("describe-collection", "mlcroissant")]
)
def test_a_missing_extra_is_named(
    workspace: Path, tmp_path: Path, command: str, package: str, monkeypatch: pytest.MonkeyPatch
):
    for name in [name for name in sys.modules if name.startswith(("instrumentarium.publishing", package))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    ran = CliRunner().invoke(app, [command, str(tmp_path / "out")])
    assert ran.exit_code == 2
    assert f"this needs {package}: pip install 'instrumentarium[publish]'" in ran.output
    assert not (tmp_path / "out").exists()
