"""The shell texts of file-sync for a tree: the names of its files and directories come as arguments, relative to it.

The files come first (`files` says how many), then the directories. What was found is reported in the order of the
arguments, without names, so that no name can be mistaken for something else.
"""

from engine.kit.shell import texts

sh = texts(__file__)

SURVEY = sh("survey.sh")

TREE_PROBE = sh("unseen.sh", "looking.sh", "survey.sh", "tree_probe.sh")

TREE_ACTION = sh("unseen.sh", "looking.sh", "make.sh", "tree_action.sh")

TREE_WATCH = sh("unseen.sh", "looking.sh", "survey.sh", "watch.sh", "tree_watch.sh")
