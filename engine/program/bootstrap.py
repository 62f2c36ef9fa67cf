"""The constant shell text of every program: what starts it, what sections may call, and how sections are run.

POSIX sh, as dash, bash, bash --posix and busybox sh understand it. Names that begin with `_engine_` belong to the
program; a section may use any other. File descriptors of the program: 9 frames, 8 the sections' output, 7 the
standard error it was started with.
"""

from engine.kit.shell import texts

sh = texts(__file__)

LAUNCHER = (
    'LC_ALL=C; export LC_ALL; IFS= read -r b; p=$(cat); n=${b#"#begin "}; '
    'case $n in "") exit 97;; esac; case $p in *"#end $n") unset b n; eval "$p";; *) exit 97;; esac'
)
"""What `sh -c` runs. It reads the whole program and runs it only if its end has arrived. Without line breaks and
without the characters ! ' \\ so that it survives being quoted for any login shell."""

STREAM_LAUNCHER = (
    "LC_ALL=C; export LC_ALL; s=${IFS#??}; IFS= read -r b; "
    'n=${b#"#begin "}; case $n in "") exit 97;; esac; p=; '
    'while IFS= read -r l; do case $l in "#end $n") unset b n l; eval "$p"; exit;; esac; p=$p$l$s; done; exit 97'
)
"""Like LAUNCHER, but reads no further than the program's last line: bulk content follows it on standard input.
`IFS` begins as space, tab, line break, so `s` is the line break that this text must not contain."""

SECTIONS = sh("sections.sh")
"""What the scripts of plugins may call; see `engine.model.Script`."""

PROCESSES = sh("processes.sh")
"""Who runs, and what a section left running."""

WATCHDOG = sh("watchdog.sh")

RUN = sh("run.sh")
"""How sections are run and what is reported of them."""

MACHINE = SECTIONS + PROCESSES + WATCHDOG + RUN
"""What every program defines, an inner one too."""

START = sh("start.sh")
"""Frames and the sections' output leave through relays, which outlive the connection: what writes to them when it is
cut is not ended by SIGPIPE. $1 is the launcher."""

LOCK = sh("lock.sh")
"""The host lock, and the staging directories; see `engine.program.lock`."""
