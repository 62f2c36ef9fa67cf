"""The ledger: which content a container was started with, remembered on the host it runs on.

One small file for each service of a user, `~/.local/state/engine/ledger/PROJECT.SERVICE`, with these lines:

    entry IDS STARTED       the containers IDS, running since STARTED, were started with the content that follows
    watch FINGERPRINT NAME  content of one watched resource
    dirty IDS STARTED       while these ran, watched content was about to be written
    failed IDS STARTED      these did not become ready after the engine had started them
    accepted IDS HASH       `up -d` leaves these as they are where the configuration's hash is HASH

IDS and STARTED are one container's or several joined by commas (a scaled service). An entry is written only for
content that was the same, in fingerprint and ctime, before the service was started and after it: then the entry is
true for ever, whatever else happens, since a container never runs twice from the same STARTED. Where there is no
entry for what runs, times decide, and on the safe side: one needless restart rather than a missed one.
"""

from __future__ import annotations

from engine.kit.shell import texts

sh = texts(__file__)

LEDGER = sh("ledger.sh")
"""Needs the variables `project` and `service`, `newline` of WATCHING, and `now` for `judge`."""
