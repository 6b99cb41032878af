"""A trained model over the clips of a split."""
