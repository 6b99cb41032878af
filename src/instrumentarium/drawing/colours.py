"""One colour an instrument, the same in every picture, plot and report of a taxonomy.

No eleven colours suit every reader, and no twenty: pictures tell instruments apart by line style, marker or panel as well.
"""

from collections.abc import Sequence

from instrumentarium.tables.taxonomy import CODES

PALETTE = (
    *("#5B3A1E", "#44AA99", "#33BBEE", "#E69F00", "#CC3311", "#AA4499", "#332288", "#EE7733", "#CC6677", "#8C564B"),
    *("#882255", "#117733", "#0077BB", "#999933", "#BB5566", "#6699CC", "#997700", "#004488", "#EE99AA", "#555555"),
)
"""In the order of a taxonomy's instruments; taken again from the first where there are more."""


def colours_of(codes: Sequence[str]) -> dict[str, str]:
    """Return the colour of each instrument, by its place in the taxonomy."""
    return {code: PALETTE[place % len(PALETTE)] for place, code in enumerate(codes)}


INSTRUMENT_COLOURS = colours_of(CODES)
