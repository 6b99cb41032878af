import json
from pathlib import Path

import pytest
from reporting.conftest import write_explained

from instrumentarium.reporting.explained import CAPTIONS, read_explained
from instrumentarium.reporting.rows import MissingReportInputError, ReportInputError
from taxonomies import BAND3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_explained(tmp_path, BAND3.codes)
    return tmp_path


def test_pictures_come_with_what_is_known_of_them(folder: Path) -> None:
    found = read_explained(folder)
    assert [each.facts.instrument for each in found.maps] == list(BAND3.codes[:2])
    assert [each.facts.empty for each in found.maps] == [False, True]
    assert all(each.png.startswith(b"\x89PNG") for each in found.maps)
    assert list(found.embeddings) == list(CAPTIONS)
    assert found.methods == ["Grad-CAM"]


@pytest.mark.parametrize("path", ["maps/maps.json", "maps/banjo-best-1.png", "embeddings/tsne.png"])
def test_a_missing_picture_names_the_stage(folder: Path, path: str) -> None:
    (folder / path).unlink()
    with pytest.raises(MissingReportInputError, match="is missing; run `dvc repro explain`"):
        read_explained(folder)


@pytest.mark.parametrize("text", ["{}", "[{}]", '[{"file": 3}]'])
def test_another_listing_is_refused(folder: Path, text: str) -> None:
    (folder / "maps" / "maps.json").write_text(text)
    with pytest.raises(ReportInputError, match=r"must hold a list|is no list of maps"):
        read_explained(folder)


def test_a_listing_of_another_version_is_refused(folder: Path) -> None:
    listing = folder / "maps" / "maps.json"
    entries = json.loads(listing.read_text())
    del entries[0]["empty"]
    listing.write_text(json.dumps(entries))
    with pytest.raises(ReportInputError, match="run `dvc repro -f explain`"):
        read_explained(folder)
