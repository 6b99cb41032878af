"""Slakh2100: the published archives, their licence and how to cite them. Zenodo records 4599666 and 4603870."""

from collections.abc import Mapping

from instrumentarium.corpora.slakh.labels import MEANINGS
from instrumentarium.corpora.slakh.published import LICENCE
from instrumentarium.corpora.source.card import Archive, Card, Licence

ARCHIVES: Mapping[str, str] = {"redux": "slakh2100_flac_redux.tar.gz", "baby": "babyslakh_16k.tar.gz"}
"""By part."""

_REDUX = "https://zenodo.org/record/4599666"
_BABY = "https://zenodo.org/record/4603870"
_SUFFIXES = frozenset((".flac", ".wav", ".mid", ".yaml"))
CARD = Card(
    corpus="slakh",
    title="Slakh2100",
    page=_REDUX,
    licences=(Licence(covers="audio and labels", name=LICENCE, url="https://creativecommons.org/licenses/by/4.0/"),),
    citation="Manilow, E., Wichern, G., Seetharaman, P., Le Roux, J. (2019). Cutting Music Source Separation Some Slakh: A "
    "Dataset to Study the Impact of Training Data Quality and Quantity. WASPAA, 45-49.",
    archives=(
        Archive(
            ARCHIVES["redux"],
            f"{_REDUX}/files/{ARCHIVES['redux']}?download=1",
            "f4b71b6c45ac9b506f59788456b3f0c4",
            about_bytes=105_000_000_000,
            unpacked=("slakh2100_flac_redux",),
            suffixes=_SUFFIXES,
            part="redux",
        ),
        Archive(
            ARCHIVES["baby"],
            f"{_BABY}/files/{ARCHIVES['baby']}?download=1",
            "311096dc2bde7d61c97e930edbfc7f78",
            about_bytes=900_000_000,
            unpacked=("babyslakh_16k",),
            suffixes=_SUFFIXES,
            part="baby",
        ),
    ),
    labels=MEANINGS,
)
