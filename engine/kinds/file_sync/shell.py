"""The shell functions that the texts of file-sync share. Constants, POSIX sh; values arrive as variables.

Every script sees `path`, `follow`, and says with `look` what stands there:
  file   the path worked on: `path`, or what it links to where `follow` is set
  type   file, directory, link, other, absent, or blocked (something that is no directory stands above it)
  above  the nearest directory above it that exists
An action writes to `new`, a sibling with a name of its own, and renames it: whoever is cut off leaves at most that
sibling, which the next run removes. No value is ever an argument of a process.
"""

from engine.kit.shell import texts

sh = texts(__file__)

GLANCE = sh("glance.sh")

SEEN = sh("seen.sh")

UNSEEN = sh("unseen.sh")

LOOKING = sh("looking.sh")

LOOK = sh("unseen.sh", "looking.sh")

MAKE = sh("make.sh")

WATCH = sh("watch.sh")
