"""Parameters of Slakh2100."""

from typing import Literal

from instrumentarium.corpora.source.params import PartsParams


class SlakhParams(PartsParams[Literal["redux", "baby"]]):
    """Which of the two archives are used: Slakh2100-redux, or BabySlakh, the first 20 of its tracks at 16 kHz."""


PARAMS = SlakhParams
