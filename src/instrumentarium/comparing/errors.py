"""What keeps two sides from being compared."""

from instrumentarium.runtime.errors import UserError


class ComparisonError(UserError, ValueError):
    """The two sides cannot be compared, or one of them cannot be had."""
