"""What can be wrong with classical systems and their inputs."""

from instrumentarium.runtime.errors import UserError


class BaselineError(UserError, ValueError):
    """Systems cannot be trained as asked; the message says why."""


class SystemFileError(UserError, ValueError):
    """A folder that holds no system that can be used; the message says why."""


class MissingSystemError(UserError, FileNotFoundError):
    """A system has not been trained, or pulled, here."""
