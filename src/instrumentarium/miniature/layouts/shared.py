"""A recording that two corpora cut their clips from, as published ones may: only its sound shows it."""

import numpy as np
from numpy.typing import NDArray

from instrumentarium.miniature.music.instruments import draw_player
from instrumentarium.miniature.music.performance import draw_piece, perform
from instrumentarium.miniature.synthesis.randomness import generator
from instrumentarium.miniature.synthesis.sampler import SAMPLE_RATE_HZ
from instrumentarium.miniature.synthesis.soundfont import SHIPPED, Fonts

LEADER = "pia"
LINEUP = (LEADER, "bass")
GENRE = "jaz_blu"
SECONDS = 10
CUTS_S = (2.0, 5.5)
"""Where IRMAS's clips of it begin; OpenMIC has all of it."""


def shared_recording(seed: int, fonts: Fonts = SHIPPED) -> NDArray[np.int16]:
    """The recording, (samples, 2) at SAMPLE_RATE_HZ: the same for every corpus, of whatever size."""
    random = generator(seed, "shared")
    players = [draw_player(random, name, level_db=-9.0 * (name != LEADER)) for name in LINEUP]
    return perform(random, draw_piece(random, GENRE, players, fonts), samples=SECONDS * SAMPLE_RATE_HZ).samples
