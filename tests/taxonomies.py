"""Taxonomies that tests share: that of IRMAS, and a small one of instruments outside it."""

from instrumentarium.tables.taxonomy import Instrument, Taxonomy

IRMAS11 = Taxonomy(
    "irmas11",
    (
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
    ),
)
BAND3 = Taxonomy(
    "band3", (Instrument("banjo", "banjo"), Instrument("bass", "bass"), Instrument("steel_drums", "steel drums"))
)
