"""Parameters of OpenMIC-2018."""

from instrumentarium.corpora.source.params import ClipCountParams

PARAMS = ClipCountParams
