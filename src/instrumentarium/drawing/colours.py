"""One colour and marker an instrument, the same in every picture of a taxonomy; and the few colours of all else.

No eleven colours suit every reader, and no twenty: pictures distinguish instruments by marker or panel as well. All else
takes colours of Okabe and Ito's (Color Universal Design, 2008), which people with any kind of colour vision tell apart.
"""

from collections.abc import Sequence

PALETTE = (
    *("#5B3A1E", "#44AA99", "#33BBEE", "#E69F00", "#CC3311", "#AA4499", "#332288", "#EE7733", "#CC6677", "#8C564B"),
    *("#882255", "#117733", "#0077BB", "#999933", "#BB5566", "#6699CC", "#997700", "#004488", "#EE99AA", "#555555"),
)
"""In the order of a taxonomy's instruments; taken again from the first where there are more."""
MARKERS = "osD^vPX<>ph"

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
INK, GREY, PALE = "#000000", "#767676", "#D0D0D0"
OKABE_ITO = (BLUE, ORANGE, GREEN, VERMILION, "#56B4E9", "#CC79A7", INK)
"""Without yellow, too pale on white."""


def colours_of(codes: Sequence[str]) -> dict[str, str]:
    """Return the colour of each instrument, by its place in the taxonomy."""
    return {code: PALETTE[place % len(PALETTE)] for place, code in enumerate(codes)}


def looks_of(codes: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return colour and marker of each instrument, by its place in the taxonomy; the first 220 all differ."""
    return {
        code: (colour, MARKERS[place % len(MARKERS)]) for place, (code, colour) in enumerate(colours_of(codes).items())
    }
