"""The pipeline's evaluation for any system's scores: bare tables in, the same metrics, intervals and plots out."""
