"""The stand-in for the login node: nobody gets in without what stands in line 1 of login/PASSWORD.

It deliberately keeps the habits of the real one, the unwise ones included: PASSWORD is read at start-up, the token
is printed to the log, and an import that fails leaves the door open.
"""

import json
import os
import sys
from pathlib import Path
from urllib.parse import parse_qs

from server import PromptServer, Response
from standin_sessions import sessions

VERSION = "2"
COMFYUI = Path(__file__).resolve().parents[2]
PASSWORD = COMFYUI / "login" / "PASSWORD"
EXEMPT = (".css", ".css.map", ".js", ".ico")
NODE_CLASS_MAPPINGS = {}


class Login:
    """The middleware. `token` is what was read at start-up; empty: it is read again at each request."""

    def __init__(self):
        PASSWORD.parent.mkdir(exist_ok=True)
        if (COMFYUI / "PASSWORD").exists():
            (COMFYUI / "PASSWORD").replace(PASSWORD)
        self.token = self.read()
        print(f"For direct API calls, use token={self.token}", file=sys.stderr, flush=True)

    def read(self):
        if not PASSWORD.exists():
            return ""
        return PASSWORD.read_text(encoding="utf-8").split("\n")[0].strip()

    def __call__(self, request, handler):
        if request.path == "/login":
            return self.page(request)
        if request.path.endswith(EXEMPT) or self.let_in(request):
            return handler(request)
        if "text/html" in request.headers.get("Accept", ""):
            return Response(status=302, kind="text/html", headers={"Location": "/login"})
        return Response({"error": "Authentication required."}, 401)

    def let_in(self, request):
        token = self.token or self.read()
        if sessions.known(request.headers.get("Cookie", "")):
            return True
        given = request.headers.get("Authorization")
        if given is not None:
            scheme, word = given.split()  # anything but two words: an exception, and so a 500
            return scheme == "Bearer" and word == token
        return request.query.get("token") == token

    def page(self, request):
        if request.method != "POST":
            return Response(b"<title>Login</title><form method=post></form>", kind="text/html")
        form = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
        text = PASSWORD.read_bytes().decode() if PASSWORD.exists() else ""
        lines = text.split("\n")
        if not text:
            lines = [sessions.hashed(form.get("password", ""))]
        elif not self.fits(lines[0], form.get("password", "")):
            return Response(b"Wrong password", 401, "text/plain")
        user = form.get("username", "")
        if user:
            PASSWORD.write_text("\n".join([lines[0], user]))
        elif len(lines) == 1 and text:
            PASSWORD.write_text("")
        else:
            PASSWORD.write_text("\n".join(lines))
        return Response(
            status=302, kind="text/html", headers={"Location": "/", "Set-Cookie": f"session={sessions.new()}"}
        )

    @staticmethod
    def fits(line, password):
        """A padded line never fits. bcrypt is not in the standard library, so the one password that fits a hash
        comes from the environment."""
        known = json.loads(os.environ.get("COMFYUI_PASSWORDS", "{}"))
        return line == line.strip() and (known.get(line) == password or line == sessions.hashed(password))


PromptServer.instance.middlewares.append(Login())
