"""A declarative state engine: plan a host in one SSH round trip, apply, prove it."""

__version__ = "0.1.0"
