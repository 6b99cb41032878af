"""Invented song titles with all that real file names hold: accents, commas, apostrophes, double spaces, brackets."""

import unicodedata

import numpy as np

from instrumentarium.miniature.synthesis.randomness import choose

ARTISTS = (
    "the paper lanterns", "Óscar Núñez Trío", "Ada & the Looms", "J. Löwenthal", "mirabelle quartet", "Fjörður",
    "DJ Tram 14", "Zoë Okafor", "Los Hermanos Peña", "orchestra of small rooms", "Élodie Marchand", "Northern Ferry",
)  # fmt: skip
SUBJECTS = (
    "Harbour", "Letters", "Café", "Nocturne", "Evening Train", "Blue Kite", "Señorita", "Winter Coat", "Rondo",
    "Glass Hill", "Déjà Vu", "Long Way Home", "Allegro", "Paper Moon", "Marché", "Quiet Engine", "Sonata", "Tide",
)  # fmt: skip
TURNS = (
    "{0}", "The {0}", "{0} in D", "{0}, Op. 12", "I can't find the {0}", "{0} (live)", "{0}  {1}", "{0} [remastered]",
    "{0}, {1} and you", "don't say {0}", "{0} for {1}", "{0} - II. Andante",
)  # fmt: skip
LAYOUTS = (
    "{artist} - {track:02d} - {title}",
    "{track:02d} {title}",
    "{title}",
    "{track:02d}-{artist}-{title}",
    "{artist}  -  {title}",
)


def draw_titles(random: np.random.Generator, count: int) -> list[str]:
    """`count` different song names, unique without regard to case; the accented ones in composed or decomposed form."""
    titles: list[str] = []
    taken = set[str]()
    while len(titles) < count:
        first, second = choose(random, SUBJECTS), choose(random, SUBJECTS)
        title = choose(random, TURNS).format(first, second)
        name = choose(random, LAYOUTS).format(artist=choose(random, ARTISTS), track=1 + len(titles) % 30, title=title)
        name = unicodedata.normalize(choose(random, ("NFC", "NFD")), name)
        key = unicodedata.normalize("NFC", name).casefold()
        if key not in taken:
            taken.add(key)
            titles.append(name)
    return titles
