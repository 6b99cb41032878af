"""Which tests `make test` leaves to `make test-all`, and what for; it runs all the others, the everyday ones.

A test of which only the large case is left out is marked where it stands.
"""

MARKS = {
    "comparing/test_revisions.py": "pipeline",
    "pipeline/": "pipeline",
    "duplicates/test_planted.py": "render",
    "miniature/test_cues.py": "render",
    "miniature/test_esc50.py": "render",
    "miniature/test_irmas.py": "render",
    "miniature/test_openmic.py": "render",
    "miniature/test_processors.py": "render",
    "corpora/test_irmas.py::test_the_published_collection_is_ingested_whole": "statistical",
    "splitting/test_published_songs.py": "statistical",
}
"""A folder, a file or a test, as a path below this folder, and the mark it is given."""


def mark_of(place: str) -> str | None:
    """Return the mark of a test, given as `folder/file.py::test`, or None if it is an everyday one."""
    return next((mark for start, mark in MARKS.items() if place.startswith(start)), None)
