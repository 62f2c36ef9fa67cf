"""Templates, and the names they can use."""
