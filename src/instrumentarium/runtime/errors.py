"""The one family of errors that are meant for people."""


class UserError(Exception):
    """Something the user can put right; the message says what was wrong, what was found and what to do.

    Shown without a traceback. Whatever is not a UserError is a mistake of ours and keeps its traceback.
    """
