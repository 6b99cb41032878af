"""Systems made of other systems: their mean, and a regression stacked on what they see."""
