"""Is this the host? Its key is judged before anything is sent to it; what is not known is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.codes import Code
from engine.errors import HostKeyRefused
from engine.transports.ssh import certificates, known_hosts
from engine.transports.ssh.certificates import CERT_SUFFIX
from engine.transports.ssh.config import Settings
from engine.transports.ssh.known_hosts import AUTHORITY, PLAIN, REVOKED, Entry, fingerprint

FILES = {
    "ssh-ed25519": "ed25519",
    "ssh-rsa": "rsa",
    "ecdsa-sha2-nistp256": "ecdsa",
    "ecdsa-sha2-nistp384": "ecdsa",
    "ecdsa-sha2-nistp521": "ecdsa",
}
"""Where sshd keeps the key of a type: /etc/ssh/ssh_host_KIND_key.pub."""
ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
"""Host key algorithms by the type of the key; elsewhere they have the same name."""
KRL_MAGIC = b"SSHKRL\n\0"


@dataclass(frozen=True)
class Presented:
    """What a host showed: its key as it goes over the wire, and its certificate for it, if it has one."""

    type: str
    blob: bytes
    certificate: bytes | None = None


class HostKeys:
    """The known keys of one host. `name` is the inventory's, for messages."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self.files = (*settings.known_hosts, *settings.global_known_hosts)
        self.called = known_hosts.host_name(settings.hostname, settings.port, settings.key_alias)
        entries = known_hosts.read(self.files)
        self.entries = known_hosts.matching(entries, self.called)
        # As ssh: a key known for the name without its port is known for any port, but does not contradict.
        bare = (settings.key_alias or settings.hostname).lower()
        self.bare = known_hosts.matching(entries, bare) if bare != self.called else []

    def preferred(self, supported: Sequence[str]) -> list[str]:
        """The host key algorithms to offer, those first whose keys are known here, so that the host shows one."""
        certified = any(entry.marker == AUTHORITY for entry in (*self.entries, *self.bare))
        types = known_hosts.known_types([*self.entries, *self.bare])
        first = [algorithm for kind in types for algorithm in ALGORITHMS.get(kind, (kind,))]
        order = [algorithm for algorithm in first if algorithm in supported]
        order += [algorithm for algorithm in supported if algorithm not in order]
        allowed = self.settings.algorithms.get("hostkeyalgorithms")
        wanted = [*(algorithm + CERT_SUFFIX for algorithm in order), *order] if certified else order
        return [algorithm for algorithm in wanted if allowed is None or algorithm in allowed]

    def check(self, shown: Presented, notice: Callable[[str], None], accept_new: bool) -> None:
        """Accept the key or raise HostKeyRefused. A new key that is accepted is added to the user's file, and
        `notice` gets a sentence about it."""
        entries = [*self.entries, *self.bare]
        self._refuse_revoked(shown, entries)
        objection = self._objection(shown, entries)
        if shown.certificate is not None and objection is None:
            return
        plain = [entry for entry in entries if entry.marker == PLAIN]
        if any(entry.blob == shown.blob for entry in plain):
            return
        known = [entry for entry in self.entries if entry.marker == PLAIN]
        if known:
            raise HostKeyRefused(self._changed(shown, known, objection), code=Code.HOST_KEY_CHANGED)
        if not accept_new:
            raise HostKeyRefused(self._unknown(shown, objection))
        self._learn(shown, notice)

    # --- revoked

    def _refuse_revoked(self, shown: Presented, entries: Sequence[Entry]) -> None:
        blobs = [shown.blob]
        if shown.certificate is not None:
            try:
                blobs.append(certificates.parse(shown.certificate).authority)
            except ValueError:
                pass
        for entry in entries:
            if entry.marker == REVOKED and entry.blob in blobs:
                what = "is revoked" if entry.blob == shown.blob else "is certified by a revoked authority"
                raise HostKeyRefused(self._revoked(shown, what, entry.where), code=Code.HOST_KEY_REVOKED)
        file = self.settings.revoked_keys
        if file is not None and any(_in_revoked_file(file, blob) for blob in blobs):
            raise HostKeyRefused(
                self._revoked(shown, "is revoked, or the list of revoked keys unusable", str(file)),
                code=Code.HOST_KEY_REVOKED,
            )

    # --- certificates

    def _objection(self, shown: Presented, entries: Sequence[Entry]) -> str | None:
        """Why the certificate shown is not accepted; None where it is, or where there is none."""
        if shown.certificate is None:
            return None
        try:
            certificate = certificates.parse(shown.certificate)
        except ValueError as error:
            return str(error)
        if not any(entry.marker == AUTHORITY and entry.blob == certificate.authority for entry in entries):
            return f"its authority {fingerprint(certificate.authority)} is not known for this host"
        return certificates.objection(
            certificate,
            (self.settings.key_alias or self.settings.hostname).lower(),
            algorithms=self.settings.algorithms.get("casignaturealgorithms", ()),
            matches=known_hosts.glob,
        )

    # --- learning

    def _learn(self, shown: Presented, notice: Callable[[str], None]) -> None:
        if not self.settings.known_hosts:
            raise HostKeyRefused(self._unknown(shown, "there is no file to add it to (UserKnownHostsFile)"))
        file = self.settings.known_hosts[0]
        try:
            known_hosts.add(file, self.called, shown.type, shown.blob, self.settings.hash_known_hosts)
        except OSError as error:
            raise HostKeyRefused(self._unknown(shown, f"{file} could not be written: {error.strerror}")) from error
        notice(f"{self.name}: new host key of {self._described(shown)} added to {file}")

    # --- words

    def _described(self, shown: Presented) -> str:
        return f"{self.settings.address} ({shown.type} {fingerprint(shown.blob)})"

    def _check_command(self, shown: Presented) -> str:
        return f"ssh-keygen -lf /etc/ssh/ssh_host_{FILES.get(shown.type, '*')}_key.pub"

    def _unknown(self, shown: Presented, note: str | None) -> str:
        file = self.settings.known_hosts[0] if self.settings.known_hosts else "~/.ssh/known_hosts"
        return "\n".join(
            [
                f"{self.name}: host key of {self._described(shown)} is not known; nothing was sent",
                *([f"  Its certificate does not help: {note}"] if note and shown.certificate else []),
                *([f"  {note[0].upper()}{note[1:]}"] if note and not shown.certificate else []),
                f"  Files checked: {', '.join(map(str, self.files)) or 'no file'}",
                f"  Check it on the host: {self._check_command(shown)}",
                f"  then add to {file}: {known_hosts.line(self.called, shown.type, shown.blob)}",
            ]
        )

    def _changed(self, shown: Presented, known: Sequence[Entry], note: str | None) -> str:
        same = [entry for entry in known if entry.type == shown.type] or list(known)
        return "\n".join(
            [
                f"{self.name}: host key of {self._described(shown)} does not match the known one; nothing was sent",
                *(f"  {entry.where} says: {entry.type} {fingerprint(entry.blob)}" for entry in same),
                *([f"  Its certificate does not help: {note}"] if note else []),
                "  Either the host was reinstalled, or someone is intercepting the connection.",
                f"  Check it on the host: {self._check_command(shown)}",
                f"  and only if it is the host's, replace {same[0].where}: "
                + known_hosts.line(self.called, shown.type, shown.blob),
            ]
        )

    def _revoked(self, shown: Presented, what: str, where: str) -> str:
        return (
            f"{self.name}: host key of {self._described(shown)} {what} ({where}); nothing was sent\n"
            "  The host needs a new key: this one may be compromised."
        )


def _in_revoked_file(file: Path, blob: bytes) -> bool:
    """As RevokedHostKeys: a list of public keys, or a key revocation list. One that cannot be read revokes all."""
    try:
        data = file.read_bytes()
    except OSError:
        return True
    if not data.startswith(KRL_MAGIC):
        return any(blob == key for key in _public_keys(data))
    import subprocess
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".pub") as key:
        key.write(known_hosts.line("", known_hosts.blob_type(blob), blob).strip() + "\n")
        key.flush()
        try:
            asked = subprocess.run(["ssh-keygen", "-Q", "-f", str(file), key.name], capture_output=True, check=False)
        except OSError:
            return True
    return asked.returncode != 0


def _public_keys(data: bytes) -> list[bytes]:
    lines = [f"* {line}" for line in data.decode("utf-8", "surrogateescape").splitlines()]
    found = (known_hosts.parse_line(Path(), 0, line) for line in lines)
    return [one.blob for one in found if one is not None]
