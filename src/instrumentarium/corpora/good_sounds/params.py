"""Parameters of good-sounds."""

from instrumentarium.corpora.source.params import CorpusParams

PARAMS = CorpusParams
