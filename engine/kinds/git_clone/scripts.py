"""The shell texts of git-clone."""

from engine.kit.shell import texts

sh = texts(__file__)

PROBE = sh("../file_sync/unseen.sh", "../file_sync/looking.sh", "git.sh", "probe.sh")

CLONE_ACTION = sh("../file_sync/unseen.sh", "../file_sync/looking.sh", "git.sh", "perform.sh", "clone_action.sh")

UPDATE_ACTION = sh("../file_sync/unseen.sh", "../file_sync/looking.sh", "git.sh", "perform.sh", "update_action.sh")

ABSENT_PROBE = sh("../file_sync/unseen.sh", "../file_sync/looking.sh", "git.sh", "absent_probe.sh")

ABSENT_ACTION = sh(
    "../file_sync/unseen.sh", "../file_sync/looking.sh", "git.sh", "absent_probe.sh", "absent_action.sh"
)

WATCHED = sh("../file_sync/unseen.sh", "../file_sync/looking.sh", "git.sh", "../file_sync/watch.sh", "watched.sh")
