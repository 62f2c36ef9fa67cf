"""The one requirement of the stand-in's login node: sessions of browsers, kept in a signed cookie."""

import base64
import hashlib
import hmac
import json
from http.cookies import SimpleCookie

__version__ = "1.0"


class Sessions:
    """Whoever has the key can read and make sessions; nothing is kept here."""

    def __init__(self, key):
        self._key = key

    def cookie(self, session):
        """The Set-Cookie header for a session, a dict."""
        text = base64.urlsafe_b64encode(json.dumps(session).encode()).decode()
        return f'session="{text}.{self._signature(text)}"; HttpOnly; Path=/'

    def read(self, header):
        """The session in a Cookie header; empty where there is none of ours."""
        found = SimpleCookie(header).get("session")
        text, _, signature = (found.value if found else "").partition(".")
        if not hmac.compare_digest(signature, self._signature(text)):
            return {}
        return json.loads(base64.urlsafe_b64decode(text))

    def _signature(self, text):
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def hashed(password):
    """Something of the shape of a bcrypt hash, the same for the same password."""
    digest = base64.b64encode(hashlib.sha512(password.encode()).digest(), b"./").decode()
    return "$2b$12$" + digest[:53]
