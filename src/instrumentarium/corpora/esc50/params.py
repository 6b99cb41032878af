"""Parameters of ESC-50."""

from instrumentarium.corpora.source.params import ClipCountParams
from instrumentarium.runtime.section import Section


class Esc50Groups(Section):
    """Which groups of ESC-50's categories are used as negatives (see groups.py)."""

    human: bool
    tonal: bool
    other: bool


class Esc50Params(ClipCountParams):
    """Size of a rendered ESC-50, and the groups of categories that are used."""

    groups: Esc50Groups

    def choices(self) -> dict[str, object]:
        """Return which groups of categories are wanted."""
        return {"groups": self.groups.model_dump()}


PARAMS = Esc50Params
