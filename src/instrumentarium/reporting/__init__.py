"""What people read of a result: figures for a paper, the clips the model got most wrong, and one page that gathers all.

Figures are the DVC plots: the same rows in the same templates, so the two cannot disagree.
Everything here gives the same bytes for the same input: no dates, no random ids, no fonts but those that come with
vl-convert and matplotlib.
"""
