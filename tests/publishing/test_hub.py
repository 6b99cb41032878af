"""Models of a hub: only what a model is made of is fetched, once, and every failure says what to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from publishing.hub import COMMIT, Hub, hub_of

from instrumentarium.predicting.hub import HubError
from instrumentarium.predicting.loading import load_ladder
from instrumentarium.predicting.modelsource import find_model
from instrumentarium.publishing.modelfolder import publish_model

WANTED = ["model.json", "model.safetensors", "thresholds.json"]


@pytest.fixture
def hub(workspace: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve the published model, with a pickle beside it."""
    publish_model(tmp_path / "band", Path("data/model"), Path(), "other")
    files = {path.name: path.read_bytes() for path in (tmp_path / "band").iterdir()}
    with hub_of({**files, "pytorch_model.bin": b"a pickle", "setup.py": b"code"}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.mark.parametrize("name", ["hf:owner/band", "hf:owner/band@first", f"hf:owner/band@{COMMIT}"])
def test_a_model_is_fetched_without_anything_else(hub: Hub, name: str):
    folder = find_model(name)
    assert sorted(hub.fetched) == WANTED
    for file in WANTED:
        assert (folder / file).read_bytes() == hub.files[file]
    load_ladder(folder)


def test_it_is_fetched_once_and_serves_without_the_hub(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    folder = find_model("hf:owner/band")
    assert find_model("hf:owner/band") == folder
    assert sorted(hub.fetched) == WANTED
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert find_model("hf:owner/band") == folder


def test_what_was_damaged_in_the_cache_is_fetched_again(hub: Hub):
    folder = find_model("hf:owner/band")
    weights = (folder / "model.safetensors").resolve()
    weights.write_bytes(b"\0" * weights.stat().st_size)
    again = find_model("hf:owner/band")
    assert (again / "model.safetensors").read_bytes() == hub.files["model.safetensors"]


def test_a_hub_that_cannot_be_reached_is_said_to_be_so(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match=r"cannot be fetched from http://127.0.0.1:9 .*check the network.* --model DIR"):
        find_model("hf:owner/band")


def test_a_model_that_is_not_there(hub: Hub):
    with pytest.raises(HubError, match="the hub has no model owner/choir"):
        find_model("hf:owner/choir")


def test_a_revision_that_is_not_there(hub: Hub):
    with pytest.raises(HubError, match="owner/band has no revision second"):
        find_model("hf:owner/band@second")


def test_a_repository_of_something_else(hub: Hub):
    hub.files = {"config.json": b"{}", "pytorch_model.bin": b"a pickle"}
    with pytest.raises(HubError, match=r"is no model of instrumentarium: it lacks model.json and model.safetensors"):
        find_model("hf:owner/band")
    assert not hub.fetched


def test_a_model_that_was_published_damaged(hub: Hub):
    hub.files["model.safetensors"] = hub.files["model.safetensors"][:-1] + b"\1"
    with pytest.raises(HubError, match=r"does not hold the weights.* tell its owner"):
        find_model("hf:owner/band")


@pytest.mark.parametrize("name", ["hf:", "hf:band", "hf:a/b/c", "hf:owner/band@", "hf:../x", "hf:owner/ba nd"])
def test_what_is_no_address_is_refused_without_a_request(cache: Path, name: str):
    with pytest.raises(HubError, match=r"is no model of a hub"):
        find_model(name)
