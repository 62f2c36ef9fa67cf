"""Shell text that watches over a program: who runs, the watchdog, and what a section left running."""

from engine.kit.shell import texts

sh = texts(__file__)

PROCESSES = sh("processes.sh")

WATCHDOG = sh("watchdog.sh")
