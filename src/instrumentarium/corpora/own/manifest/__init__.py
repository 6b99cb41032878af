"""The manifest of the user's own data: the forms they may have, and the tables that are made of any of them."""
