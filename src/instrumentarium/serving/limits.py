"""What a client may ask of the server."""

from dataclasses import dataclass

from instrumentarium.runtime.errors import UserError


class LimitsError(UserError, ValueError):
    """Limits that no server can have."""


@dataclass(frozen=True)
class Limits:
    """Limits of one server; the command `serve` has an option and a default for each.

    Attributes:
        upload_mb: the largest body.
        audio_s: the longest recording, decoded.
        queue: requests in the house at a time, uploading ones included; beyond, 503.
        request_s: from a request's first byte to its answer; beyond, 504, or 408 while it uploads.
        decoders: child processes that decode.
        decode_memory_mb: data a child may hold.
        decode_s: processor time a child may take for one upload.
    """

    upload_mb: float
    audio_s: float
    queue: int
    request_s: float
    decoders: int
    decode_memory_mb: int
    decode_s: int

    def __post_init__(self) -> None:
        """Check the limits.

        Raises:
            LimitsError: if one is not positive, or too low for a decoder to start.
        """
        for name, value in vars(self).items():
            if not value > 0:
                raise LimitsError(f"a server needs a positive {name}; found {value}")
        if self.decode_memory_mb < 200:
            raise LimitsError(f"a decoder needs 200 MB of memory at least; found {self.decode_memory_mb}")

    @property
    def upload_bytes(self) -> int:
        """The largest body in bytes."""
        return round(self.upload_mb * 1_000_000)
