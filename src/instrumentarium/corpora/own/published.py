"""Own data were published by nobody: there are no counts to hold them to."""

PUBLISHED = None

LONGEST_CLIP_S = None
"""Nobody knows before the files are read."""
