"""Many scripts → one program → frames: what runs on a host, and what it reports."""
