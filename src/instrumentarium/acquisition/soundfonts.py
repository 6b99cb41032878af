"""SoundFonts that a rendered collection's instruments are drawn from: named, and pinned by md5."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, TypeAdapter, field_validator
from pydantic_core import PydanticCustomError

from instrumentarium.runtime.checksums import md5_of_file
from instrumentarium.runtime.section import Section

SHIPPED: Literal["TimGM6mb"] = "TimGM6mb"
"""The SoundFont that comes with the pretty_midi package, and is used alone where none is named."""


class SoundFontFile(Section):
    """An SF2 or SF3 file: an absolute path, one from `~/`, or a URL; its md5 tells DVC when it has become another."""

    at: str
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]

    @field_validator("at")
    @classmethod
    def _the_place_is_the_same_everywhere(cls, value: str) -> str:
        if not (value.startswith(("~/", "http://", "https://")) or Path(value).is_absolute()):
            raise PydanticCustomError("relative", "must be an absolute path, begin with ~/, or be an http(s) URL")
        return value

    @property
    def path(self) -> Path | None:
        """The file as a path; None where it is to be fetched."""
        return None if self.at.startswith(("http://", "https://")) else Path(self.at).expanduser()

    @property
    def name(self) -> str:
        """The file's name."""
        return PurePosixPath(unquote(urlsplit(self.at).path) if self.path is None else self.at).name or "soundfont"

    def problem(self) -> str | None:
        """Say why the file at the path cannot be used, or None; of one to be fetched nothing is known yet."""
        if self.path is None:
            return None
        try:
            with self.path.open("rb") as file:
                head = file.read(12)
            found = md5_of_file(self.path)
        except OSError as error:
            return f"{self.path} cannot be read ({error.strerror}); name an SF2 or SF3 file"
        if (head[:4], head[8:]) != (b"RIFF", b"sfbk"):
            return f"{self.path} is no SoundFont: it begins with {head!r}; name an SF2 or SF3 file"
        if found != self.md5:
            return f"{self.path} has md5 {found}, not {self.md5}; if it is the file you mean, write that md5"
        return None


SoundFontChoice = Literal["TimGM6mb"] | SoundFontFile
SOUNDFONTS: TypeAdapter[list[SoundFontChoice]] = TypeAdapter(list[SoundFontChoice])
