"""Parameters of MusicNet."""

from instrumentarium.corpora.source.params import CorpusParams

PARAMS = CorpusParams
