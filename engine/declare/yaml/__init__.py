"""YAML text → nodes with positions."""
