"""The Philharmonia Orchestra's sound samples: the published archive, its terms and how to cite it."""

from instrumentarium.corpora.philharmonia.published import LICENCE, MEANINGS
from instrumentarium.corpora.source.card import Archive, Card, Licence

ARCHIVE = "all-samples.zip"

_PAGE = "https://philharmonia.co.uk/resources/sound-samples/"
CARD = Card(
    corpus="philharmonia",
    title="Philharmonia Orchestra sound samples",
    page=_PAGE,
    licences=(
        Licence(
            covers="audio",
            name=LICENCE,
            url=_PAGE,
            forbids="no selling or passing on of the samples as samples",
        ),
    ),
    citation="Philharmonia Orchestra. Sound samples.",
    archives=(
        Archive(
            ARCHIVE,
            f"https://philharmonia-assets.s3-eu-west-1.amazonaws.com/uploads/2020/02/12112005/{ARCHIVE}",
            None,  # the publisher states none
            about_bytes=250_000_000,
            unpacked=("all-samples",),
            suffixes=frozenset((".mp3", ".zip")),
        ),
    ),
    labels=MEANINGS,
)
