"""Table contracts, the taxonomy, and the sample store."""
