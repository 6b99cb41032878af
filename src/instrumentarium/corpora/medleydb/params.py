"""Parameters of MedleyDB."""

from typing import Literal

from instrumentarium.corpora.source.params import PartsParams


class MedleyDbParams(PartsParams[Literal["v1", "v2"]]):
    """Which of the two archives are used: that of 2014, and that of MedleyDB 2.0."""


PARAMS = MedleyDbParams
