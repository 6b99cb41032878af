"""Parameters of IRMAS."""

from typing import Annotated

from pydantic import Field

from instrumentarium.corpora.source.params import CorpusParams


class IrmasParams(CorpusParams):
    """Size of a rendered IRMAS: recordings an instrument, test songs. The published one has no sizes."""

    train_recordings: Annotated[int, Field(ge=2)] | None = None
    test_songs: Annotated[int, Field(ge=4)] | None = None


PARAMS = IrmasParams
