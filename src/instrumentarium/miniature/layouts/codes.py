"""The instruments of IRMAS by the codes of its file names, which the miniature's players go by as well."""

CODES = ("cel", "cla", "flu", "gac", "gel", "org", "pia", "sax", "tru", "vio", "voi")
