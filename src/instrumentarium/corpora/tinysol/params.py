"""Parameters of TinySOL."""

from instrumentarium.corpora.source.params import CorpusParams

PARAMS = CorpusParams
