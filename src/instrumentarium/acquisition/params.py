"""Parameters of the download stage."""

from pathlib import Path

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from instrumentarium.runtime.section import Section


class DownloadParams(Section):
    """Where archives lie that the user already has, packed or unpacked: an absolute path, one from `~/`, or None."""

    archives: str | None

    @field_validator("archives")
    @classmethod
    def _the_path_is_the_same_everywhere(cls, value: str | None) -> str | None:
        # a queued experiment runs in a folder of its own, from where a relative path leads elsewhere
        if value is not None and not (Path(value).is_absolute() or value.startswith("~/")):
            raise PydanticCustomError("relative", "must be an absolute path, or begin with ~/, or be null")
        return value

    @property
    def folder(self) -> Path | None:
        """The folder as a path."""
        return None if self.archives is None else Path(self.archives).expanduser()
