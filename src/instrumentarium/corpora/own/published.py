"""Own data were published by nobody: there are no counts to hold them to."""

PUBLISHED = None
