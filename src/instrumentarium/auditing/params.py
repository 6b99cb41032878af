"""Parameters of the audit stage."""

from typing import Annotated

from pydantic import Field

from instrumentarium.runtime.section import Count, Section


class AuditParams(Section):
    """Whether labels are audited, in how many folds, with how many neighbours as evidence, how many pairs are listed."""

    use: bool
    folds: Annotated[int, Field(ge=2, le=20)]
    neighbours: Annotated[int, Field(ge=1, le=100)]
    listed: Count
