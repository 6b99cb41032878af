"""Networks, one file an architecture family, and the model that joins front end, normalisation and network."""
