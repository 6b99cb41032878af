"""Parameters of your own data."""

from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from instrumentarium.corpora.source.params import CorpusParams

OwnForm = Literal["auto", "table", "folders", "texts"]
Absent = Literal["negative", "unobserved"]


class OwnParams(CorpusParams):
    """The user's own data: where they lie, and how their labels are read. They are used as they are in any collection."""

    path: str
    form: OwnForm
    absent: Absent

    @model_validator(mode="after")
    def _used_means_somewhere(self) -> Self:
        if self.use and not self.path:
            raise PydanticCustomError("no_path", "path must say where your own data lie, since use is true")
        return self


PARAMS = OwnParams
