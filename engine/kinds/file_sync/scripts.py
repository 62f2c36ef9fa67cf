"""The shell texts of file-sync. What they share with all kinds, `look` and `settle` and the like, is the door of the
kit: `engine/kit/files.sh`. No value is ever an argument of a process."""

from engine.kit.shell import texts

sh = texts(__file__)

GLANCE = sh("glance.sh")

WHOLE_PROBE = sh("whole_probe.sh")
WHOLE_ACTION = sh("whole_action.sh")
STAGED_ACTION = sh("staged_action.sh")
WHOLE_WATCH = sh("whole_watch.sh")

FIRST_LINE_PROBE = sh("first_line.sh", "first_line_probe.sh")
FIRST_LINE_ACTION = sh("first_line_action.sh")
FIRST_LINE_WATCH = sh("first_line.sh", "first_line_watch.sh")

DOTENV_PROBE = sh("scan.sh", "dotenv_probe.sh")
DOTENV_ACTION = sh("scan.sh", "dotenv_action.sh")
DOTENV_WATCH = sh("scan.sh", "dotenv_watch.sh")

PLAIN_PROBE = sh("plain_probe.sh")
PLAIN_ACTION = sh("plain_action.sh")
PLAIN_WATCH = sh("plain_watch.sh")

ABSENT_PROBE = sh("absent_probe.sh")
ABSENT_ACTION = sh("absent_action.sh")

TREE_PROBE = sh("survey.sh", "tree_probe.sh")
TREE_ACTION = sh("survey.sh", "tree_action.sh")
TREE_WATCH = sh("survey.sh", "tree_watch.sh")

KEEP = sh("keep.sh")
RESTORE_PROBE = sh("restore_probe.sh")
RESTORE_ACTION = sh("restore_action.sh")
