"""The stand-in for the login node: nobody gets in without what is in line 1 of login/PASSWORD.

It deliberately keeps the habits of the real one, the unwise ones included: PASSWORD is read when the node is
imported, a left-over PASSWORD is moved over it first, the token is printed to the log, and an import that fails
leaves the door open.
"""

import json
import secrets
import sys
from pathlib import Path
from urllib.parse import parse_qs

from server import PromptServer, Response
from standin_sessions import Sessions, hashed

VERSION = "2"
COMFYUI = Path(__file__).resolve().parents[2]
LOGIN = COMFYUI / "login"
PASSWORD = LOGIN / "PASSWORD"
GUEST_MODE = LOGIN / "GUEST_MODE"
KEY = Path(__file__).resolve().with_name(".secret-key.txt")
EXEMPT = (".css", ".css.map", ".js", ".ico")
FOR_GUESTS = ("/prompt", "/upload/image")
NODE_CLASS_MAPPINGS = {}


def session_key():
    """Made once and kept beside the node: a browser stays logged in over restarts."""
    if not KEY.exists():
        KEY.write_text(secrets.token_hex(32))
    return KEY.read_bytes()


def redirect(where, **headers):
    return Response(status=302, kind="text/html", headers={"Location": where, **headers})


class Login:
    """`token` is what was read when the node was imported; where that was nothing, it is read again at each request
    until it is something. `user` and `line` are what the first visit to the login page found, until a restart."""

    def __init__(self, server):
        self.settings = server.settings
        self.sessions = Sessions(session_key())
        self.line = self.user = None
        server.routes |= {("GET", "/login"): self.page, ("POST", "/login"): self.log_in}
        LOGIN.mkdir(exist_ok=True)
        if (COMFYUI / "PASSWORD").exists():
            (COMFYUI / "PASSWORD").rename(PASSWORD)
        self.load_token()
        server.middlewares.append(self.guard)

    def load_token(self):
        """Whatever is wrong with the file, but that it is missing, is an exception: the import fails."""
        self.token = ""
        try:
            with PASSWORD.open(encoding="utf-8") as file:
                self.token = file.readline().strip()
        except FileNotFoundError:
            print("Please set up your password before use.", file=sys.stderr, flush=True)
        else:
            print(f"For direct API calls, use token={self.token}", file=sys.stderr, flush=True)

    def guard(self, request, handler):
        if request.path == "/login" or request.path.endswith(EXEMPT):
            return handler(request)
        if not self.token:
            self.load_token()
        session = self.sessions.read(request.headers.get("Cookie", ""))
        if session.get("logged_in"):
            return handler(request)
        if session.get("guest_mode"):
            allowed = request.method == "GET" or (request.method == "POST" and request.path in FOR_GUESTS)
            return handler(request) if allowed else Response({})
        if self.has_token(request):
            return handler(request)
        if "text/html" in request.headers.get("Accept", ""):
            return redirect("/login")
        return Response({"error": "Authentication required."}, 401)

    def has_token(self, request):
        origin = self.settings.enable_cors_header
        if origin not in (None, "*", request.headers.get("Origin")):
            return False
        given = request.headers.get("Authorization")
        if given:
            scheme, word = given.split()  # anything but two words: an exception, and so a 500
            if scheme == "Bearer" and word == self.token:
                return True
        return request.query.get("token") == self.token

    # --- browsers --------------------------------------------------------------------------------------------

    def page(self, request):
        self.remember()
        return Response(b"<title>Login</title><form method=post></form>", kind="text/html")

    def remember(self):
        if self.line is None and PASSWORD.exists():
            self.line, *more = PASSWORD.read_bytes().split(b"\n")
            self.user = more[0].strip() if more else b""

    def log_in(self, request):
        form = {key: values[0] for key, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
        if form.get("guest_mode") == "1" and GUEST_MODE.exists():
            return self.enter(guest_mode=True)
        if not PASSWORD.exists():
            self.line = hashed(form["password"]).encode()
            self.write_user(form)
            return self.enter(logged_in=True)
        self.remember()
        if not self.fits(form["password"]):
            return redirect("/login?wrong_password=1")
        if not self.user:
            self.write_user(form)
        return self.enter(logged_in=True)

    def write_user(self, form):
        """The file is empty by the time a form without a user name is an exception."""
        with PASSWORD.open("wb") as file:
            self.user = form["username"].encode()
            file.write(self.line + b"\n" + self.user)

    def enter(self, **session):
        return redirect("/", **{"Set-Cookie": self.sessions.cookie(session)})

    def fits(self, password):
        """A line with anything around the hash never fits. bcrypt is not in the standard library, so the one password
        that fits a hash comes from the settings."""
        line = self.line.decode(errors="replace")
        known = json.loads(self.settings.passwords)
        return line == line.strip() and (known.get(line) == password or line == hashed(password))


Login(PromptServer.instance)
