"""The shell texts of file-sync for one file or directory. Constants; see `file_shell` for what they share."""

from engine.kit.shell import texts

sh = texts(__file__)

# --- the whole content ---------------------------------------------------------------------------------------------

WHOLE_PROBE = sh("seen.sh", "looking.sh", "whole_probe.sh")

WHOLE_ACTION = sh("unseen.sh", "looking.sh", "make.sh", "whole_action.sh")

STAGED_ACTION = sh("unseen.sh", "looking.sh", "make.sh", "staged_action.sh")

WHOLE_WATCH = sh("unseen.sh", "looking.sh", "watch.sh", "whole_watch.sh")

# --- the first line ------------------------------------------------------------------------------------------------

FIRST_LINE = sh("first_line.sh")

FIRST_LINE_PROBE = sh("unseen.sh", "looking.sh", "first_line.sh", "first_line_probe.sh")

FIRST_LINE_ACTION = sh("unseen.sh", "looking.sh", "make.sh", "first_line_action.sh")

FIRST_LINE_WATCH = sh("unseen.sh", "looking.sh", "first_line.sh", "watch.sh", "first_line_watch.sh")

# --- mode and owner only, directories, absence ---------------------------------------------------------------------

PLAIN_PROBE = sh("unseen.sh", "looking.sh", "plain_probe.sh")

PLAIN_ACTION = sh("unseen.sh", "looking.sh", "make.sh", "plain_action.sh")

PLAIN_WATCH = sh("unseen.sh", "looking.sh", "watch.sh", "plain_watch.sh")

ABSENT_PROBE = sh("unseen.sh", "looking.sh", "absent_probe.sh")

ABSENT_ACTION = sh("unseen.sh", "looking.sh", "absent_action.sh")
