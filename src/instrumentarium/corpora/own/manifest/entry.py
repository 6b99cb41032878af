"""One file of the user's as their table or folders describe it, before anybody has opened it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from instrumentarium.runtime.errors import UserError

Split = Literal["", "train", "validation", "test"]

SHOWN = 10
"""Mistakes reported at once: enough to see a pattern."""


class OwnDataError(UserError, ValueError):
    """The user's table or folders cannot be understood; the message names every mistake and what to do."""


@dataclass(frozen=True)
class Entry:
    """A file and what is said of it."""

    path: str  # from the root, "/" between folders, as the file system has it
    labels: Mapping[str, bool] = field(default_factory=dict)  # instruments known to play, or not to; as spelled
    recording: str = ""  # empty: the file is a recording of its own
    split: Split = ""  # empty: the pipeline chooses
    reason: str = ""  # why it cannot become a clip


def refuse(source: object, mistakes: list[str]) -> None:
    """Raise for everything that is wrong with `source`, if anything is.

    Raises:
        OwnDataError: if there is a mistake.
    """
    if not mistakes:
        return
    more = f"\n  and {len(mistakes) - SHOWN} more" if len(mistakes) > SHOWN else ""
    raise OwnDataError(f"{source} cannot be used as it is:\n" + "\n".join(f"  {m}" for m in mistakes[:SHOWN]) + more)
