"""How much training fits into a limit of time; the trainings themselves are other tests'."""

from pathlib import Path
from types import ModuleType

import pytest
from scripts import load_script

from instrumentarium.config.bases import with_bases
from instrumentarium.config.whole import Params
from instrumentarium.runtime.section import read_yaml, validate
from instrumentarium.training.params import RecipeParams

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    return load_script("benchmarks/model_table.py")


@pytest.fixture(scope="module")
def recipe() -> RecipeParams:
    params = validate(with_bases(read_yaml(ROOT / "params.yaml")), Params)
    return (
        params.models["cnn"]
        .recipes["miniature"]
        .model_copy(update={"epochs": 14, "windows_per_epoch": 2400, "batch_size": 24})
    )


@pytest.mark.parametrize(("batch_s", "validation_s"), [(0.01, 0.1), (0.1, 1.0), (0.1, 4.0), (2.0, 10.0), (5.0, 60.0)])
def test_what_fits_ends_within_the_limit_and_trains_for_most_of_it(
    benchmark: ModuleType, recipe: RecipeParams, batch_s: float, validation_s: float
) -> None:
    found = benchmark.fitting_recipe(recipe, batch_s, validation_s, 100.0)
    batches = found.windows_per_epoch / found.batch_size
    training_s, validations_s = found.epochs * batches * batch_s, found.epochs * validation_s
    assert training_s + validations_s <= 100.0
    assert validations_s <= 25.0 or found.epochs == 1
    assert found.epochs <= 14
    assert batches <= 100
    assert batches == 100 or training_s + validations_s > 100.0 * benchmark.SHARE - found.epochs * batch_s


def test_a_model_that_is_too_slow_for_the_limit_still_has_a_step(benchmark: ModuleType, recipe: RecipeParams) -> None:
    found = benchmark.fitting_recipe(recipe, 200.0, 500.0, 100.0)
    assert (found.epochs, found.windows_per_epoch) == (1, 24)


def test_an_early_stop_does_not_end_a_short_training(benchmark: ModuleType, recipe: RecipeParams) -> None:
    found = benchmark.fitting_recipe(recipe, 0.1, 1.0, 100.0)
    assert found.patience == found.epochs
