"""MedleyDB: the published archives, their licence and how to cite them. Zenodo records 1649325 and 1715175.

The audio is given on request, and its records state no checksum to others; metadata and activations are public.
"""

from collections.abc import Mapping

from instrumentarium.corpora.medleydb.labels import MEANINGS
from instrumentarium.corpora.medleydb.published import LICENCE
from instrumentarium.corpora.source.card import Archive, Card, Licence

ARCHIVES: Mapping[str, str] = {"v1": "MedleyDB_V1.tar.gz", "v2": "MedleyDB_V2.tar.gz"}
"""Of the audio, by part."""
ANNOTATIONS = "medleydb-master.zip"

_PAGES = {"v1": "https://zenodo.org/record/1649325", "v2": "https://zenodo.org/record/1715175"}
CARD = Card(
    corpus="medleydb",
    title="MedleyDB",
    page="https://medleydb.weebly.com",
    licences=(
        Licence(
            covers="audio and labels",
            name=LICENCE,
            url="https://creativecommons.org/licenses/by-nc-sa/4.0/",
            forbids="no commercial use",
        ),
    ),
    remark="The audio is given on request.",
    citation="Bittner, R., Salamon, J., Tierney, M., Mauch, M., Cannam, C., Bello, J. P. (2014). MedleyDB: A Multitrack "
    "Dataset for Annotation-Intensive MIR Research. ISMIR, 155-160.",
    archives=(
        *(
            Archive(
                name,
                _PAGES[part],
                None,  # none that is stated to everybody
                about_bytes=40_000_000_000,
                unpacked=(part.upper(), f"MedleyDB_{part.upper()}"),
                part=part,
                on_request=True,
            )
            for part, name in ARCHIVES.items()
        ),
        Archive(
            ANNOTATIONS,
            "https://github.com/marl/medleydb/archive/master.zip",
            None,  # GitHub packs it anew
            about_bytes=200_000_000,
            unpacked=("medleydb-master", "medleydb"),  # the latter is a clone
            suffixes=frozenset((".yaml", ".lab")),
        ),
    ),
    labels=MEANINGS,
)
