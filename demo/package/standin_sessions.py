"""The one requirement of the stand-in's login node: sessions of browsers, in memory."""

import base64
import hashlib
import secrets

__version__ = "1.0"


class Sessions:
    """Session keys that were handed out since the process started."""

    def __init__(self):
        self._keys = set()

    def new(self):
        key = secrets.token_hex(16)
        self._keys.add(key)
        return key

    def known(self, cookie):
        """Whether a Cookie header carries a session that was handed out."""
        return any(part.strip().partition("=")[2] in self._keys for part in cookie.split(";") if part)

    def hashed(self, password):
        """Something of the shape of a bcrypt hash, the same for the same password."""
        digest = base64.b64encode(hashlib.sha512(password.encode()).digest(), b"./").decode()
        return "$2b$12$" + digest[:53]


sessions = Sessions()
