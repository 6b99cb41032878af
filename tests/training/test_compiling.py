"""A compiled backbone trains as it would otherwise, and what it needs is asked for at the start."""

from pathlib import Path

import pytest
import torch
from model_fixtures import RECIPE, TRAINER, tiny_model, tiny_run
from training.test_fit import quick_fit

from instrumentarium.runtime.errors import UserError
from instrumentarium.training import compiling
from instrumentarium.training.compiling import CompilerError, compile_backbone

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's advice on workers, loggers and the like

COMPILED = TRAINER.model_copy(update={"compile": True})


def test_a_compiled_backbone_trains_as_it_would_otherwise(tmp_path: Path):
    recipe = RECIPE.model_copy(update={"epochs": 2, "learning_rate": 0.001})
    plain = quick_fit(tmp_path / "plain", tiny_run(recipe=recipe))
    model = tiny_model()
    compiled = quick_fit(tmp_path / "compiled", tiny_run(model, recipe, trainer=COMPILED))
    assert model.backbone._compiled_call_impl is not None
    assert list(compiled.best_weights) == list(plain.best_weights)
    for one, other in zip(plain.rows, compiled.rows, strict=True):
        assert other == pytest.approx(one, abs=1e-4)
    torch.testing.assert_close(compiled.best_weights, plain.best_weights, rtol=1e-2, atol=1e-2)


def test_a_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(
        CompilerError, match=r"the C\+\+ compiler no-such-compiler that torch calls.*set compile to false"
    ) as info:
        quick_fit(tmp_path, tiny_run(trainer=COMPILED))
    assert isinstance(info.value, UserError)


def test_a_gpu_needs_triton(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compiling, "find_spec", lambda name: None)
    monkeypatch.setattr(compiling.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(CompilerError, match="for a GPU torch needs the package triton"):
        compile_backbone(tiny_model(), gpu=True)
