# The newest change of the files named: sets `moment`.
latest() {
  changed=$(stat -L -c '%Z %z' -- "$1")
  fraction=${changed#*.}
  if [ -z "$moment" ] || [ "${changed%% *}" -gt "${moment%%.*}" ]; then moment=${changed%% *}.${fraction%% *}; fi
}

find_manager
installed=$("${manager}_installed" "$@")
moment=''
[ -z "$installed" ] || "${manager}_moment" "$@"
fingerprint=$(printf '%s\n' "$installed" | sed 's/ held$//' | sort | sha256)
fact fingerprint "$fingerprint"
fact ctime "$moment"
