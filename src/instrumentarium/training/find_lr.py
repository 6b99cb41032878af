"""The learning-rate range test: train a few steps at ever larger rates and see where the loss falls fastest.

Smith: Cyclical learning rates for training neural networks, WACV 2017. The suggestion is the rate at the steepest fall of
the smoothed loss, as in PyTorch Lightning's and fast.ai's finders.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from instrumentarium.runtime.errors import UserError
from instrumentarium.runtime.progress import progress_bar
from instrumentarium.training.schedule import build_optimizer
from instrumentarium.training.split_data import SplitData
from instrumentarium.training.task import RecognitionTask, TrainingRun

SMOOTHING = 0.9
"""Of the losses' exponential moving average."""
DIVERGED = 4.0
"""Times the lowest smoothed loss: beyond it the test ends."""
FEWEST_STEPS = 10


class LearningRateError(UserError, ValueError):
    """No learning rate can be suggested."""


@dataclass(frozen=True)
class Point:
    """One step of the test."""

    learning_rate: float
    loss: float
    smoothed: float


@dataclass(frozen=True)
class RangeTest:
    """What a test found.

    Attributes:
        suggestion: the learning rate at which the smoothed loss falls fastest.
        points: one a step.
    """

    suggestion: float
    points: tuple[Point, ...]

    def content(self) -> dict[str, object]:
        """Return the test as JSON holds it."""
        return {"suggestion": self.suggestion, "points": [asdict(point) for point in self.points]}


def find_learning_rate(run: TrainingRun, train: SplitData, *, lowest: float, highest: float, steps: int) -> RangeTest:
    """Train the run's model for at most `steps` steps at rates that rise by the same factor; its weights are left anywhere.

    Batches, augmentation and objective are those of the run's first epoch, made as long as the test.

    Raises:
        LearningRateError: if there are fewer than FEWEST_STEPS steps, rates do not rise, or the loss rises at once.
    """
    if not 0 < lowest < highest:
        raise LearningRateError(
            f"the lowest rate must be above 0 and below the highest; found {lowest:g} and {highest:g}"
        )
    if steps < FEWEST_STEPS:
        raise LearningRateError(f"a range test needs at least {FEWEST_STEPS} steps, found {steps}")
    recipe = run.recipe.model_copy(update={"windows_per_epoch": steps * run.recipe.batch_size})
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    task = RecognitionTask(replace(run, recipe=recipe), train, train).to(device).train()
    optimizer = build_optimizer(
        run.model,
        lowest,
        run.training.weight_decay,
        decay_norms=run.training.decay_norms,
        objective=run.objective,
    )
    points: list[Point] = []
    average, best = 0.0, math.inf
    with progress_bar("find-lr", "steps", total=steps) as bar:
        for step, batch in enumerate(task.train_dataloader()):
            rate = lowest * (highest / lowest) ** (step / (steps - 1))
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = task.training_step(batch.to(device), step)
            value = float(loss.detach())
            average = SMOOTHING * average + (1 - SMOOTHING) * value
            smoothed = average / (1 - SMOOTHING ** (step + 1))
            if not math.isfinite(smoothed) or smoothed > DIVERGED * best:
                break
            best = min(best, smoothed)
            points.append(Point(rate, value, smoothed))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            task.configure_gradient_clipping(optimizer)
            optimizer.step()
            bar.update()
    return RangeTest(steepest_fall(points), tuple(points))


def steepest_fall(points: Sequence[Point]) -> float:
    """Return the learning rate at which the smoothed loss falls fastest by the logarithm of the rate.

    Raises:
        LearningRateError: if it falls nowhere.
    """
    slopes = np.gradient([point.smoothed for point in points]) if len(points) > 1 else np.zeros(1)
    place = int(slopes.argmin())
    if slopes[place] >= 0:
        raise LearningRateError("the loss falls at no learning rate; begin with a lower one")
    return points[place].learning_rate
