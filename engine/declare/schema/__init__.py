"""What may be written, and whether it was: the words, their JSON Schema, validation, reference."""
