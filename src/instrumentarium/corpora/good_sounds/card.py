"""good-sounds: the published archive, its licence and how to cite it. Zenodo records 820937 and 4588740."""

from instrumentarium.corpora.good_sounds.published import LICENCE, MEANINGS
from instrumentarium.corpora.source.card import Archive, Card, Licence

ARCHIVE = "good-sounds.zip"
SOUNDS = "sounds.json"
TAKES = "takes.json"

_AUDIO = "https://zenodo.org/record/820937"
_TABLES = "https://zenodo.org/record/4588740"
CARD = Card(
    corpus="good_sounds",
    title="good-sounds",
    page=_AUDIO,
    licences=(Licence(covers="audio and labels", name=LICENCE, url="https://creativecommons.org/licenses/by-sa/4.0/"),),
    citation="Romani Picas, O., Parra Rodriguez, H., Dabiri, D., Tokuda, H., Hariya, W., Oishi, K., Serra, X. (2015). A "
    "Real-Time System for Measuring Sound Goodness in Instrumental Sounds. AES 138th Convention.",
    archives=(
        Archive(
            ARCHIVE,
            f"{_AUDIO}/files/{ARCHIVE}?download=1",
            "2137bbb2d32c1d60aa51e1301225f541",
            about_bytes=14_000_000_000,
            unpacked=("good-sounds",),
        ),
        Archive(
            SOUNDS, f"{_TABLES}/files/{SOUNDS}?download=1", "a60d90a964fd567ebc2e4b4e3f2990f2", about_bytes=5_000_000
        ),
        Archive(
            TAKES, f"{_TABLES}/files/{TAKES}?download=1", "318e840031397314907e7f9420f2abeb", about_bytes=4_000_000
        ),
    ),
    labels=MEANINGS,
)
