"""The corpora: their facts and archives, their parsers, and the miniature that stands in for them."""
