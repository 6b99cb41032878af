"""What people read of a result: figures for a paper, the clips the model got most wrong, and one page that gathers all.

Figures are drawn from the rows that the DVC plots show, never from arrays of their own, so the two cannot disagree.
Everything here gives the same bytes for the same input: no dates, no random ids, no fonts but matplotlib's own.
"""
