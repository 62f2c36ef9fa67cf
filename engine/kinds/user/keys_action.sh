if [ -z "$home" ]; then
  find_entry passwd "$user"
  entry_field 6
  home=$value
fi
[ -d "$home" ] || fail "$home does not exist, so keys have no place there: make it, or declare another home"
path=$home/.ssh/authorized_keys
# What was not there is for the user's eyes alone, as sshd demands.
fresh=0600 dir_mode=0700 parents=1
look_at_path
prepare_file
open_new
new_lines "$@" >&3 || write_failed
settle_file
