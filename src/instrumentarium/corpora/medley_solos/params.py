"""Parameters of Medley-solos-DB."""

from instrumentarium.corpora.source.params import CorpusParams

PARAMS = CorpusParams
