"""What kinds are built of."""
