"""Parameters of the Philharmonia samples."""

from instrumentarium.corpora.source.params import CorpusParams

PARAMS = CorpusParams
