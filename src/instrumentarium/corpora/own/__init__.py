"""Your own recordings and labels, wherever they lie: they are read in place and never copied."""
