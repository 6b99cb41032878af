"""Classical systems: how they are trained, and whether their decision surfaces are drawn."""

from typing import Annotated

from pydantic import Field

from instrumentarium.runtime.section import Count, Positive, Section


class SvmParams(Section):
    """Support vector machines, linear and with a radial basis: the price of an error, and the kernel's width.

    The kernel is exp(-gamma |a - b|² / columns) of standardised descriptors. Scores are calibrated on decisions about
    held-out recordings.
    """

    linear_c: Positive
    rbf_c: Positive
    gamma: Positive
    calibration_folds: Annotated[int, Field(ge=2, le=20)]


class NeighboursParams(Section):
    """Nearest neighbours."""

    k: Annotated[int, Field(ge=1, le=500)]


class BoostingParams(Section):
    """Boosted trees: how many, how deep, how far each step goes, and of how many columns and rows a split is chosen."""

    trees: Count
    depth: Annotated[int, Field(ge=1, le=10)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    columns_share: Annotated[float, Field(gt=0, le=1)]
    rows_share: Annotated[float, Field(gt=0, le=1)]


class BaselineParams(Section):
    """Classical systems over descriptors. Of more training windows than `most_windows`, so many are drawn at random."""

    most_windows: Annotated[int, Field(ge=100, le=100_000)]
    svm: SvmParams
    neighbours: NeighboursParams
    boosting: BoostingParams
    surfaces: bool
    surface_points: Annotated[int, Field(ge=10, le=20_000)]
