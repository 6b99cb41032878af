"""Parameters of NSynth."""

from typing import Literal

from instrumentarium.corpora.source.params import PartsParams


class NsynthParams(PartsParams[Literal["train", "valid", "test"]]):
    """Which of the three archives are used; that of train has 289,205 notes and some 20 GB."""


PARAMS = NsynthParams
