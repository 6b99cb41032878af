"""One colour an instrument, the same in every picture, plot template and report.

No eleven colours suit every reader: pictures tell instruments apart by line style, marker or panel as well.
"""

from collections.abc import Mapping

from instrumentarium.taxonomy import CODES

INSTRUMENT_COLOURS: Mapping[str, str] = dict(
    zip(
        CODES,
        (
            *("#5B3A1E", "#44AA99", "#33BBEE", "#E69F00", "#CC3311", "#AA4499"),
            *("#332288", "#EE7733", "#CC6677", "#8C564B", "#882255"),
        ),
        strict=True,
    )
)
"""Code to colour, as in `.dvc/plots`."""
