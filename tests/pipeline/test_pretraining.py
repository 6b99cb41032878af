"""Pre-training is a pipeline of its own: nothing runs it by default, its parameters reach it, a model starts from it."""

from pipeline.checkout import Checkout, stages_run

STAGE = "pretraining/dvc.yaml:pretrain"
SETTING = "models.cnn.recipes.miniature.pretrained={{source: path, at: data/pretrained/{method}, md5: {md5}}}"


def start(checkout: Checkout, method: str) -> str:
    """Return the setting that has a model start from the weights that a method made."""
    md5 = checkout.json(f"data/pretrained/{method}/pretraining.json")["weights_md5"]
    return SETTING.format(method=method, md5=md5)


def test_it_runs_on_request_alone_and_a_model_starts_from_it(copy: Checkout) -> None:
    assert stages_run(copy.dvc("repro")) == []
    assert copy.dvc("status", "dvc.yaml").strip() == "Data and pipelines are up to date."
    assert "pretrain" not in copy.dvc("stage", "list", "--name-only").split()

    assert stages_run(copy.dvc("repro", "pretraining/dvc.yaml")) == [STAGE]
    assert copy.changes().split() == ["??", "pretraining/dvc.lock"]
    assert stages_run(copy.dvc("repro", STAGE)) == []
    first = copy.bytes_below("data/pretrained/masked")
    assert set(first) == {"model.safetensors", "pretraining.json", "curves.json", "curves.png"}
    assert stages_run(copy.dvc("repro", "--force", "--single-item", STAGE)) == [STAGE]
    assert copy.bytes_below("data/pretrained/masked") == first

    output = copy.dvc("exp", "run", "-S", "pretraining.method=contrastive", "pretraining/dvc.yaml")
    assert stages_run(output) == ["params", STAGE]
    assert copy.json("data/pretrained/contrastive/pretraining.json")["method"] == "contrastive"
    assert copy.bytes_below("data/pretrained/masked") == first

    before = copy.bytes_below("data/model")["model.safetensors"]
    output = copy.dvc("exp", "run", "-S", start(copy, "contrastive"))
    assert stages_run(output)[:2] == ["params", "train"]
    assert STAGE not in stages_run(output)
    assert copy.bytes_below("data/model")["model.safetensors"] != before
    assert stages_run(copy.dvc("repro", "pretraining/dvc.yaml")) == [], "what starts from weights makes none stale"


def test_waveforms_are_refused_with_what_to_do(copy: Checkout) -> None:
    output = copy.dvc("exp", "run", "-S", "model=waveform", "pretraining/dvc.yaml", fails=True)
    assert "pretraining.method masked cuts spectrograms into patches" in output
    assert "Traceback" not in output
