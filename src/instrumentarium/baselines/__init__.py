"""Classical systems over descriptors: support vector machines, nearest neighbours, boosted trees; nothing is pickled."""
