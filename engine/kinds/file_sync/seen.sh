# shellcheck disable=SC2154,SC2034  # values arrive as variables; not every script uses all that the functions set
# What a glance at all files of the host has found, if it has.
seen=${seen-}
