"""The shell functions that the texts of git-clone share. Constants, POSIX sh; values arrive as variables.

git is run as the user whom the directory belongs to, so that files keep their owner and nobody's hooks run as root.
It never asks anything. A name and password from the declared URL reach it through descriptor 3, never as an argument
or in the environment. References under `refs/engine/` are ours:
  refs/engine/checkout    the commit checked out last; so it is known not to be a local one, and is never collected
  refs/engine/busy        set while we work; if it is found, a run was cut off and its lock files are stale
  refs/engine/unfinished  the commit a checkout was leading to, set while files are replaced
  refs/engine/rescued     what was found changed after a checkout that was cut off
"""

from engine.kit.shell import texts

sh = texts(__file__)

GIT = sh("git.sh")

PERFORM = sh("perform.sh")
