"""The package from Python: a model that predicts and embeds. Its names are those of `instrumentarium` itself."""
