"""Ensembles: which systems the mean is of, and how the stacked regression is fitted."""

from typing import Annotated

from pydantic import Field

from instrumentarium.runtime.section import Positive, Section


class EnsembleParams(Section):
    """The systems whose scores are averaged, and the stacked regression's inverse strength of regularisation and folds."""

    members: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], ...], Field(min_length=1, strict=False)]
    stacking_c: Positive
    stacking_folds: Annotated[int, Field(ge=2, le=50)]
