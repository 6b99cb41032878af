"""What the whole package says when clips cannot be split as asked."""

from instrumentarium.runtime.errors import UserError

LISTED = 5
"""How many offenders a message names before it only counts them."""


class SplitError(UserError, ValueError):
    """The clips cannot be split as asked; the message says which clips, recordings or parts, and what to do."""


def listed(names: list[str]) -> str:
    """Return the first few of `names`, and how many more there are."""
    shown = ", ".join(repr(str(name)) for name in names[:LISTED])
    return shown if len(names) <= LISTED else f"{shown} and {len(names) - LISTED} more"
