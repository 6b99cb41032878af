"""IRMAS: the published archives, their licence and how to cite them. Zenodo record 1290750."""

from instrumentarium.corpora.irmas.published import unpacked_problem
from instrumentarium.corpora.source.card import Archive, Card, Licence

TRAINING = "IRMAS-TrainingData"
TESTING = "IRMAS-TestingData-Part"

_RECORD = "https://zenodo.org/record/1290750"
CARD = Card(
    corpus="irmas",
    title="IRMAS",
    page=_RECORD,
    licences=(
        Licence(
            covers="audio and labels",
            name="CC BY-NC-SA 3.0",
            url="https://creativecommons.org/licenses/by-nc-sa/3.0/",
            forbids="no commercial use, no passing on of the audio",
        ),
    ),
    citation="Bosch, J. J., Janer, J., Fuhrmann, F., Herrera, P. (2012). A comparison of sound segregation techniques "
    "for predominant instrument recognition in musical audio signals. ISMIR, 559-564.",
    archives=tuple(
        Archive(
            name,
            f"{_RECORD}/files/{name}?download=1",
            md5,
            about_bytes=3_000_000_000,
            unpacked=(name.removesuffix(".zip"),),
            unpacked_problem=unpacked_problem,
        )
        for name, md5 in (
            (f"{TRAINING}.zip", "4fd9f5ed5a18d8e2687e6360b5f60afe"),
            (f"{TESTING}1.zip", "5a2e65520dcedada565dff2050bb2a56"),
            (f"{TESTING}2.zip", "afb0c8ea92f34ee653693106be95c895"),
            (f"{TESTING}3.zip", "9b3fb2d0c89cdc98037121c25bd5b556"),
        )
    ),
)
