"""What pages show line after line does, run line after line, what they say of it."""

from pathlib import Path

import numpy as np
import soundfile
from documents import ROOT, blocks, split
from pipeline.checkout import Checkout, stages_run


def shown(page: str, first: str) -> list[str]:
    """Return the command lines of the block of a page that begins with `first`."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    (block,) = (block for block in blocks(text) if block and block[0].startswith(first))
    return block


def test_each_experiment_trains_from_where_the_last_one_left_the_workspace_and_the_last_line_brings_it_back(
    copy: Checkout,
) -> None:
    *experiments, back = shown("experiments.md", "dvc exp run -n resnext")
    for line in experiments:
        assert "train" in stages_run(copy.run("bash", "-c", line)), line
    assert copy.changes()
    copy.run("bash", "-c", back)
    assert copy.changes() == ""
    assert "up to date" in copy.dvc("status", "dvc.yaml")
    names = [words[words.index("-n") + 1] for line in experiments for words in split(line)]
    assert len(names) == 4
    listed = copy.dvc("exp", "list")
    assert all(name in listed for name in names)


def test_a_trained_model_is_published_and_predicts_and_its_collection_is_described(copy: Checkout) -> None:
    time = np.arange(66150) / 44100
    soundfile.write(copy.path("song.wav"), 0.3 * np.sin(2 * np.pi * 440 * time), 44100)
    code = {"PYTHONPATH": str(copy.path("src"))}  # the command of the environment would run the package installed there
    for line in shown("publishing.md", "instrumentarium publish")[:2]:
        copy.run("bash", "-c", line, **code)
    card = copy.path("published/README.md").read_text(encoding="utf-8")
    assert f"value: {copy.json('metrics/evaluate.json')['f1_macro']}" in card
    (line,) = shown("publishing.md", "instrumentarium describe-collection")
    copy.run("bash", "-c", line, **code)
    copy.run("mlcroissant", "validate", "--jsonld", str(Path("described") / "croissant.json"))
    for name in ("published", "described"):
        assert copy.changes().count(name) == 1, "beside the run, and no part of it"
