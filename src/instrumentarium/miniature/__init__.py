"""The miniature collection: small corpora composed and rendered on the spot, in the publishers' archive layouts.

`irmas`, `openmic` and `esc50` each offer one `render`. Everything drawn comes from (seed, purpose, corpus, recording,
clip), so that neither the order of the work nor the number of workers changes a byte.
"""
