"""The pipeline's evaluation for any system's scores: bare tables in, the same figures, intervals and plots out."""
