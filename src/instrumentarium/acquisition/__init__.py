"""Publishers' archives: fetched, verified and linked, or rendered."""
