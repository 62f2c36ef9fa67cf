# Files that are mounted alone: a container keeps the one that was there when it was started, whatever has taken its
# name since. Sets behind to the places in the containers that hold such a file, with commas between them.
#
# The kernel tells of it: of a mount whose file has lost its name it says `//deleted`. Where the container is on another
# machine than this shell, as with Docker Desktop, nothing is found.
mounts_behind() {
  behind='' mounts_told=''
  for pid in $pids; do
    if [ "$pid" != 0 ] && [ -r "/proc/$pid/mountinfo" ]; then
      mounts_of "/proc/$pid/mountinfo" 2>/dev/null || true
    fi
  done
}
mounts_of() {
  while read -r _ _ _ mount_root mount_point _; do
    case $mount_root in *//deleted) mount_behind ;; esac
  done <"$1"
}
# A mount that the engine knows of, too, and whose file is there again.
mount_behind() {
  mount_root=$(printf '%b' "${mount_root%//deleted}")
  mount_point=$(printf '%b' "$mount_point")
  if [ -z "$mounts_told" ]; then
    mounts_format='{{range .Mounts}}{{if eq .Type "bind"}}{{.Destination}} = {{.Source}}{{println}}{{end}}{{end}}'
    # shellcheck disable=SC2086
    mounts_told=$newline$("$engine" inspect --type container --format "$mounts_format" $ids)$newline
  fi
  case $mounts_told in *"$newline$mount_point = "*) ;; *) return 0 ;; esac
  mount_source=${mounts_told#*"$newline$mount_point = "}
  mount_source=${mount_source%%"$newline"*}
  case $mount_source in *"$mount_root") ;; *) return 0 ;; esac
  case ,$behind, in *",$mount_point,"*) return 0 ;; esac
  if [ -f "$mount_source" ]; then
    behind=$behind${behind:+,}$mount_point
  fi
}
