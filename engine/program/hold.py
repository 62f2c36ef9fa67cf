"""Shell text of the host lock and of the staging directories; see `engine.program.lock`."""

from engine.kit.shell import texts

sh = texts(__file__)

HOLD = sh("hold.sh")
