"""What Ansible Vault has encrypted, decrypted on the controller: formats 1.1 and 1.2, AES256."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import bounds
from engine.codes import Code
from engine.declare.inventory.problems import HostProblem
from engine.declare.inventory.script import is_script
from engine.declare.inventory.settings import Settings
from engine.declare.templates.names import Deferred, FactPending, RenderError
from engine.errors import Position, Problem
from engine.model import Secret

HEADER = "$ANSIBLE_VAULT;"
SECONDS = 60.0
"""How long a script may take to print a password."""
ROUNDS = 10_000
"""Of PBKDF2, as Ansible has it."""
HINTS = (
    "Give its password with --vault-password-file FILE, --vault-id LABEL@FILE or -J, or set "
    "ANSIBLE_VAULT_PASSWORD_FILE, or vault_password_file in ansible.cfg.",
)


class Undecryptable(HostProblem):
    """What is encrypted cannot be read, so a host lacks variables."""

    code = Code.VAULT


@dataclass(frozen=True)
class Given:
    """What the command line says of passwords: `LABEL@SOURCE` or `SOURCE`, where a source is a file, a script or
    `prompt`; files; whether to ask for one. `prompt` asks a person, None where nobody can be asked."""

    ids: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    ask: bool = False
    prompt: Callable[[str], str] | None = None


class Vault:
    """Decrypts with the passwords of a project, each read when something encrypted is met. `found`: what was
    decrypted, for the redactor."""

    def __init__(self, sources: Iterable[tuple[str, str]] = (), given: Given | None = None, strict: bool = False):
        self._sources = tuple(sources)
        self._prompt = given.prompt if given else None
        self._strict = strict
        self._passwords: dict[tuple[str, str], bytes] = {}
        self._opened: dict[str, str] = {}
        self.found: dict[Secret, None] = {}

    @classmethod
    def of(cls, settings: Settings, given: Given | None = None) -> Vault:
        """The passwords that the settings and the command line name, in Ansible's order; those that a person has to
        type are asked for now."""
        given = given or Given()
        default = settings.get("vault_identity", env="ANSIBLE_VAULT_IDENTITY") or "default"
        configured = settings.words("vault_identity_list", env="ANSIBLE_VAULT_IDENTITY_LIST")
        sources = [_split(word, default, settings.located) for word in configured]
        sources += [_split(word, default, _absolute) for word in given.ids]
        files = [_absolute(name) for name in given.files]
        files += settings.paths("vault_password_file", env="ANSIBLE_VAULT_PASSWORD_FILE")
        sources += [(default, name) for name in files]
        if given.ask or _true(settings.get("ask_vault_pass", env="ANSIBLE_ASK_VAULT_PASS")):
            sources.append((default, "prompt"))
        strict = _true(settings.get("vault_id_match", env="ANSIBLE_VAULT_ID_MATCH"))
        vault = cls(dict.fromkeys(sources), given, strict)
        if given.prompt is not None:
            for source in vault._sources:
                if source[1] == "prompt":
                    vault._password(source)
        return vault

    def text(self, encrypted: str, where: Position | str) -> str:
        """What is encrypted in a text that begins with the header. Raises Undecryptable, which shows nothing of
        it."""
        encrypted = encrypted.strip()
        if encrypted not in self._opened:
            try:
                self._opened[encrypted] = self._decrypted(encrypted, where)
            except UnicodeDecodeError:
                raise _wrong("what is encrypted here is not UTF-8 text", where) from None
        return self._opened[encrypted]

    def secret(self, value: str, name: str) -> Secret:
        """A decrypted value as a secret, which is redacted from now on."""
        secret = Secret(value, name)
        if value:
            self.found[secret] = None
        return secret

    def values(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The variables of an encrypted file: texts and numbers are secrets. Of connection variables (`ansible_*`)
        the values stay plain, for connecting takes them, and are redacted."""
        return {name: self._value(value, name, name.startswith("ansible_")) for name, value in content.items()}

    def _value(self, value: Any, name: str, plain: bool) -> Any:
        if isinstance(value, Mapping):
            return {key: self._value(item, name, plain) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(item, name, plain) for item in value]
        if isinstance(value, bool | Deferred) or value is None:
            return value
        secret = self.secret(str(value), name)
        if plain:
            return value
        return Decrypted(self, str(value), name) if _is_template(str(value)) else secret

    def _decrypted(self, encrypted: str, where: Position | str) -> str:
        header, *lines = encrypted.splitlines()
        version, cipher, *more = [*(part.strip() for part in header.split(";")[1:]), "", ""]
        if version not in ("1.1", "1.2") or cipher != "AES256":
            raise _wrong(f"encrypted in format `{version}` with `{cipher}`; 1.1 and 1.2 with AES256 are read", where)
        body = _body("".join(line.strip() for line in lines), where)
        label = more[0]
        if not self._sources:
            raise _wrong(f"encrypted with Ansible Vault{_labelled(label)}, and no password is given", where, *HINTS)
        mine = [source for source in self._sources if source[0] == label]
        others = [] if self._strict and mine else [source for source in self._sources if source not in mine]
        for source in (*mine, *others):
            plain = _opened(self._password(source), *body)
            if plain is not None:
                return plain.decode("utf-8")
        tried = ", ".join(f"{name}@{source}" for name, source in (*mine, *others))
        raise _wrong(
            f"encrypted with Ansible Vault{_labelled(label)}, and no password fits", where, f"tried: {tried}"
        )

    def _password(self, source: tuple[str, str]) -> bytes:
        if source not in self._passwords:
            label, name = source
            password = self._asked(label) if name == "prompt" else _from_file(Path(name), label)
            if not password:
                raise _wrong("the password of Ansible Vault is empty", name)
            self._passwords[source] = password
        return self._passwords[source]

    def _asked(self, label: str) -> bytes:
        if self._prompt is None:
            hint = "Run the command on a terminal, or give a file: --vault-password-file FILE."
            raise _wrong("a password of Ansible Vault has to be typed on a terminal, and there is none", label, hint)
        return self._prompt(f"Vault password ({label}): ").strip().encode()


class Encrypted(Deferred):
    """A `!vault` value of a file: `text` as it is there. Decrypted when it is used."""

    def __init__(self, text: str, where: Position) -> None:
        self.text, self.where = text, where
        self.vault, self.name = Vault(), ""

    def within(self, vault: Vault, name: str) -> Encrypted:
        """The same, with the passwords for it and the name of its variable."""
        bound = Encrypted(self.text, self.where)
        bound.vault, bound.name = vault, name
        return bound

    def value(self, render: Callable[[str], Any]) -> Any:
        """See `Deferred`."""
        try:
            text = self.vault.text(self.text, self.where)
        except Undecryptable as error:
            problem = error.problems[0]
            raise RenderError(problem.message, problem.hints, where=problem.where, code=problem.code) from None
        secret = self.vault.secret(text, self.name)
        return Decrypted(self.vault, text, self.name).value(render) if _is_template(text) else secret


class Decrypted(Deferred):
    """A decrypted text with templates in it: all it is rendered to is secret."""

    def __init__(self, vault: Vault, text: str, name: str) -> None:
        self._vault, self._text, self._name = vault, text, name

    def value(self, render: Callable[[str], Any]) -> Any:
        """See `Deferred`."""
        try:
            found = render(self._text)
        except FactPending:
            raise
        except RenderError as fault:
            message = f"the encrypted variable `{self._name}` holds a template that cannot be rendered"
            raise RenderError(message, undefined=fault.undefined, code=fault.code) from None
        return self._vault.values({self._name: found})[self._name] if not isinstance(found, Secret) else found


def bound(value: Any, vault: Vault, name: str) -> Any:
    """A value of a variable, each `!vault` in it with the passwords for it."""
    if isinstance(value, Encrypted):
        return value.within(vault, name)
    if isinstance(value, dict):
        if list(value) == ["__ansible_vault"]:
            return Encrypted(str(value["__ansible_vault"]), Position(name)).within(vault, name)
        return {key: bound(item, vault, name) for key, item in value.items()}
    return [bound(item, vault, name) for item in value] if isinstance(value, list) else value


def _split(word: str, default: str, locate: Callable[[str], str]) -> tuple[str, str]:
    label, at, source = word.partition("@")
    if not at:
        label, source = "", word
    return label or default, source if source == "prompt" else locate(source)


def _absolute(name: str) -> str:
    return os.path.abspath(os.path.expanduser(name))


def _true(text: str | None) -> bool:
    return (text or "").strip().lower() in ("1", "yes", "true", "on", "y", "t")


def _labelled(label: str) -> str:
    return f" (vault id `{label}`)" if label else ""


def _is_template(text: str) -> bool:
    return "{{" in text or "{%" in text


def _wrong(message: str, where: Position | str, *hints: str) -> Undecryptable:
    return Undecryptable(Problem(message, where, hints, code=Code.VAULT))


def _body(text: str, where: Position | str) -> tuple[bytes, bytes, bytes]:
    """Salt, digest and encrypted content."""
    try:
        salt, digest, content = binascii.unhexlify(text).split(b"\n", 2)
        return binascii.unhexlify(salt), binascii.unhexlify(digest), binascii.unhexlify(content)
    except (binascii.Error, ValueError):
        raise _wrong("this begins as Ansible Vault's files do, but is damaged", where) from None


def _opened(password: bytes, salt: bytes, digest: bytes, content: bytes) -> bytes | None:
    """The content; None where the password does not fit."""
    key = hashlib.pbkdf2_hmac("sha256", password, salt, ROUNDS, 80)
    if not hmac.compare_digest(hmac.digest(key[32:64], content, "sha256"), digest):
        return None
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    decryptor = Cipher(algorithms.AES(key[:32]), modes.CTR(key[64:])).decryptor()
    padded = decryptor.update(content) + decryptor.finalize()
    return padded[: -padded[-1]] if padded else padded


def _from_file(path: Path, label: str) -> bytes:
    """The password in a file, or that a script prints. Raises Undecryptable."""
    try:
        if not is_script(path):
            return bounds.read(path, bounds.SECRET).strip()
        named = ["--vault-id", label] if path.stem.endswith("-client") else []
        ran = bounds.run([str(path), *named], seconds=SECONDS, limit=bounds.SECRET)
    except bounds.Exceeded as error:
        raise _wrong(f"the password of Ansible Vault cannot be read: it {error}", str(path)) from None
    except OSError as error:
        message = f"the password of Ansible Vault cannot be read: {(error.strerror or 'failed').lower()}"
        raise _wrong(message, str(path)) from None
    if ran.returncode != 0:
        lines = ran.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise _wrong(f"the script that prints Ansible Vault's password ended with status {ran.returncode}", str(path),
                     *(line[:200] for line in lines))  # fmt: skip
    return ran.stdout.strip(b"\r\n")
