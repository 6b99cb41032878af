"""`make record`: a new dvc.lock without a run where nothing but code has changed, and only there."""

import pytest
from pipeline.checkout import Checkout, stages_run

CODE = "src/instrumentarium/runtime/files.py"
"""A file of a room that all stages depend on."""


@pytest.fixture
def edited(workshop: Checkout) -> Checkout:
    """Return the shared copy, as committed but for a comment in code."""
    workshop.restore()
    workshop.dvc("checkout", "--quiet", "--force")
    workshop.append(CODE, "# edited\n")
    return workshop


def record(checkout: Checkout, *, fails: bool = False) -> str:
    return checkout.run("python", ".ci/record.py", fails=fails)


def test_an_edit_of_code_is_recorded_as_a_run_would(edited: Checkout) -> None:
    assert "Recorded without a run: params, download@irmas" in record(edited)
    assert stages_run(edited.dvc("repro")) == []
    assert sorted(edited.changes().split()) == ["M", "M", "dvc.lock", CODE]
    recorded = edited.path("dvc.lock").read_text(encoding="utf-8")
    stages = ["split", "evaluate"]
    assert stages_run(edited.dvc("repro", "--force", "--single-item", *stages)) == stages
    assert edited.path("dvc.lock").read_text(encoding="utf-8") == recorded


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("params.yaml", "# edited\n", "params: deps params.yaml: modified"),
        ("data/split.csv", "x\n", "split: outs data/split.csv: modified"),
        ("constraints.txt", "# edited\n", "report: deps constraints.txt: modified"),
    ],
)
def test_more_than_an_edit_of_code_is_refused(edited: Checkout, name: str, text: str, reason: str) -> None:
    before = edited.path("dvc.lock").read_bytes()
    edited.append(name, text)
    output = record(edited, fails=True)
    assert "Not recorded" in output
    assert reason in output
    assert CODE.rpartition("/")[0] not in output
    assert edited.path("dvc.lock").read_bytes() == before


def test_a_changed_parameter_is_refused(edited: Checkout) -> None:
    params = edited.path("params.yaml")
    params.write_text(params.read_text(encoding="utf-8").replace("\nseed: ", "\nseed: 1"), encoding="utf-8")
    assert "train: deps params.yaml: {'seed': 'modified'}" in record(edited, fails=True)


def test_nothing_to_record(workshop: Checkout) -> None:
    workshop.restore()
    workshop.dvc("checkout", "--quiet", "--force")
    assert "nothing, all is up to date" in record(workshop)
    assert workshop.changes() == ""
