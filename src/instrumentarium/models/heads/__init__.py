"""Heads, one file a kind: from embeddings over time to one logit an instrument."""
