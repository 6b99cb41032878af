"""Where a model looks in a spectrogram, and how its embeddings lie."""
