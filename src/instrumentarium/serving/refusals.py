"""Requests that are not answered with a prediction: each reason has its status."""


class RefusalError(Exception):
    """A request that is refused; the answer says why.

    Attributes:
        status: of HTTP.
        reason: in words.
        headers: of the answer.
    """

    status = 400

    def __init__(self, reason: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.reason, self.headers = reason, headers or {}


class BadUploadError(RefusalError):
    """No audio can be made of the body."""

    status = 400


class SlowUploadError(RefusalError):
    """The body did not arrive in time."""

    status = 408


class LargeUploadError(RefusalError):
    """More bytes than the server takes."""

    status = 413


class UnprocessableError(RefusalError):
    """Audio that takes too much: too long, or beyond a decoder's memory or processor time."""

    status = 422


class BusyError(RefusalError):
    """As many requests are in the house as it takes."""

    status = 503


class LateError(RefusalError):
    """The answer was not there in time."""

    status = 504
