"""NSynth: the published archives, their licence and how to cite them. magenta.tensorflow.org/datasets/nsynth."""

from instrumentarium.corpora.nsynth.labels import MEANINGS
from instrumentarium.corpora.nsynth.published import LICENCE
from instrumentarium.corpora.source.card import Archive, Card, Licence

_FILES = "http://download.magenta.tensorflow.org/datasets/nsynth"


def archive_of(part: str) -> str:
    """Return the name of a part's archive."""
    return f"nsynth-{part}.jsonwav.tar.gz"


CARD = Card(
    corpus="nsynth",
    title="NSynth",
    page="https://magenta.tensorflow.org/datasets/nsynth",
    licences=(Licence(covers="audio and labels", name=LICENCE, url="https://creativecommons.org/licenses/by/4.0/"),),
    citation="Engel, J., Resnick, C., Roberts, A., Dieleman, S., Norouzi, M., Eck, D., Simonyan, K. (2017). Neural Audio "
    "Synthesis of Musical Notes with WaveNet Autoencoders. ICML, 1068-1077.",
    archives=tuple(
        Archive(
            archive_of(part),
            f"{_FILES}/{archive_of(part)}",
            None,  # the publisher states none
            about_bytes=about_bytes,
            unpacked=(f"nsynth-{part}",),
            part=part,
        )
        for part, about_bytes in (("train", 24_000_000_000), ("valid", 1_100_000_000), ("test", 350_000_000))
    ),
    labels=MEANINGS,
)
