"""Taking stock of the user's own data: the forms they may have, and the manifest that is made of any of them."""
