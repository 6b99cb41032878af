"""What can be wrong with a catalogue's run as a whole; what is wrong with a file of it is a row of its results."""

from instrumentarium.runtime.errors import UserError


class ListingError(UserError, ValueError):
    """A listing that names no files."""


class FolderError(UserError, ValueError):
    """A folder that cannot take the results of this run."""


class WorkersError(UserError, RuntimeError):
    """Workers that end before their work is done."""


class MissingRayError(UserError, ImportError):
    """Ray is not installed."""
