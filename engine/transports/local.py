"""This machine as a host."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

from engine.model import Host, Output
from engine.transports import Options
from engine.transports.conversation import converse
from engine.transports.process import reap, start

INHERITED = {
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR",
    "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
    "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
}  # fmt: skip
INHERITED_PREFIXES = ("LC_", "PIP_")
INHERITED_ANY_CASE = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"}
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def login_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a program gets to see: about what a login would give it, plus what says how to reach the network
    and Docker. Nothing else of the caller's environment, so a plan does not depend on where it is made.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if name in INHERITED or name.startswith(INHERITED_PREFIXES) or name.lower() in INHERITED_ANY_CASE
    }
    kept.setdefault("PATH", DEFAULT_PATH)
    if sys.platform == "win32":
        raise NotImplementedError
    import pwd

    try:
        user = pwd.getpwuid(os.geteuid())
    except KeyError:
        # A container may run under a number that no user has.
        kept.setdefault("HOME", "/")
        return kept
    kept.setdefault("HOME", user.pw_dir)
    kept["USER"] = kept["LOGNAME"] = user.pw_name
    kept.setdefault("SHELL", user.pw_shell or "/bin/sh")
    return kept


class LocalTransport:
    """Runs programs on this machine, in the user's home directory, as a login over SSH would."""

    def __init__(self, host: Host, options: Options) -> None:
        self.host = host
        self.options = options

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        """See `Transport.run`. A program that cannot be started ends with 127 or 126, as in a shell."""
        env = login_environment()
        cwd = env["HOME"] if os.path.isdir(env["HOME"]) else "/"
        try:
            process = start(argv, env, cwd)
        except OSError as error:
            text = f"{argv[0]}: {error.strerror}\n".encode()
            status = 127 if isinstance(error, FileNotFoundError) else 126
            return (output for output in (Output("stderr", text), Output("exit", status=status)))
        return converse(process, stdin, silence=self.options.silence, name=self.host.name)

    def close(self) -> None:
        """Nothing is open between two runs; collects what has ended since."""
        reap()
