"""The instruments that are recognised, in the order every table, array and model output keeps.

The eleven classes and their three-letter codes are those of IRMAS (Bosch et al., ISMIR 2012). How another corpus's
labels map onto them is stated by that corpus's module, so that a change there leaves the other corpora's results valid.
"""

from dataclasses import dataclass
from typing import Literal

Family = Literal["strings", "woodwind", "brass", "guitars", "keyboard", "voice"]


@dataclass(frozen=True)
class Instrument:
    """One class: its code in files and columns, its name for people, its family."""

    code: str
    name: str
    family: Family


INSTRUMENTS: tuple[Instrument, ...] = (
    Instrument("cel", "cello", "strings"),
    Instrument("cla", "clarinet", "woodwind"),
    Instrument("flu", "flute", "woodwind"),
    Instrument("gac", "acoustic guitar", "guitars"),
    Instrument("gel", "electric guitar", "guitars"),
    Instrument("org", "organ", "keyboard"),
    Instrument("pia", "piano", "keyboard"),
    Instrument("sax", "saxophone", "woodwind"),
    Instrument("tru", "trumpet", "brass"),
    Instrument("vio", "violin", "strings"),
    Instrument("voi", "singing voice", "voice"),
)

CODES: tuple[str, ...] = tuple(instrument.code for instrument in INSTRUMENTS)
NAMES: dict[str, str] = {instrument.code: instrument.name for instrument in INSTRUMENTS}
