# The one door through which scripts reach a path. Constants and functions alone; POSIX sh.
#
# A directory that somebody else can write is a trap for a program that names a path in it twice: a link put there in
# between leads it elsewhere. So a path is used in four moves: go to its directory; see that it is the one that was
# meant; from there on name `.` and what is in it, nothing else; and look at who owns `.`. Who owns the directories above
# matters no more: they can move the directory away, but not lead us elsewhere.
#
# Root acts as root in a directory that belongs to root, and as the owner in one that belongs to somebody else: then the
# section's script begins anew as that user, in that directory. Where others can write a directory, something is made in
# a directory of mode 0700 and an unguessable name, and moved out of it (`shared`).

# --- going there -------------------------------------------------------------------------------------------------------

# pin PATH: from here on the script is in the directory of PATH, as whom it may safely be there, and `name` is the last
# part of PATH. Where the directory does not exist, a probe ends here with the fact `lacks`, and an action fails. Where
# others can write it, a probe says `crowded`, and an action fails.
pin() {
  pin_shared "$1"
  if [ -z "$shared" ] || _engine_safe_entry; then return 0; fi
  [ "${phase-}" != apply ] || fail "others can write $_engine_place; nothing was done there: take that right from them"
  fact crowded "$_engine_place"
}

# pin_shared PATH: the same for a script that itself sees to it that nothing it makes can be exchanged before it has its
# place: `shared` is set where others can write the directory.
pin_shared() {
  _engine_enter "$1" ''
  if [ "$_engine_missing$_engine_blocked" ]; then _engine_lacking; fi
  crowded
  [ "${phase-}" = apply ] || _engine_acts
}

# The directory of $1; of what it links to, where $2 is set. Afterwards: `name`, _engine_real (where we are, empty for
# the root), _engine_missing (what of the directory is not there), _engine_blocked (what is no directory in its way),
# and owner and mode of `.` in _engine_uid, _engine_gid, _engine_bits, as far as they were needed.
_engine_enter() {
  case $1 in
    /*) ;;
    *) fail "$1 is no absolute path" ;;
  esac
  while [ "$1" != "${1%/}" ]; do set -- "${1%/}" "$2"; done
  name=${1##*/}
  case $name in '' | . | ..) fail "$1 names no file or directory in a directory" ;; esac
  _engine_place=${1%/*}
  _engine_place=${_engine_place:-/}
  # The program that runs as the owner was started in the directory, and can be led nowhere.
  if [ "${_engine_stay-}" ]; then
    _engine_stay='' _engine_pinned=$_engine_place name=$_engine_name
    return 0
  fi
  _engine_name=$name
  [ "${_engine_pinned-}" != "$_engine_place" ] || return 0
  [ "${_engine_self-}" ] || _engine_self=$(id -u)
  if [ "$2" ]; then
    _engine_resolve "$1"
    name=${_engine_real##*/} _engine_real=${_engine_real%/*}
    [ "$name" ] || fail "$1 leads to the root directory"
    _engine_name=$name
  else
    _engine_resolve "$_engine_place"
  fi
  _engine_missing='' _engine_blocked=''
  until [ -d "${_engine_real:-/}" ]; do
    _engine_missing=${_engine_real##*/}${_engine_missing:+/$_engine_missing}
    _engine_real=${_engine_real%/*}
  done
  [ -z "$_engine_missing" ] || _engine_nearest
  [ -z "$_engine_blocked" ] || return 0
  cd -P -- "${_engine_real:-/}" 2>/dev/null ||
    fail "permission denied: ${_engine_real:-/} cannot be entered$(_engine_on "${_engine_real:-/}")"
  [ "$PWD" = "${_engine_real:-/}" ] || fail "$_engine_place was moved while it was looked at; nothing was done in it"
  _engine_act
  _engine_pinned=$_engine_place
}

# What is in the way of a directory that is not there, if anything is.
_engine_nearest() {
  _engine_t=$_engine_place
  until [ -d "${_engine_t:-/}" ]; do
    if [ -e "$_engine_t" ] || [ -h "$_engine_t" ]; then
      _engine_blocked=$_engine_t
      return 0
    fi
    _engine_t=${_engine_t%/*}
  done
  [ -x "${_engine_t:-/}" ] || fail "permission denied: $_engine_t cannot be searched, so nothing is known of $_engine_place"
}
_engine_lacking() {
  [ -z "$_engine_blocked" ] || _engine_untrusted "$_engine_blocked is in the way: it is no directory"
  [ "${phase-}" != apply ] || fail "directory $_engine_place does not exist"
  _engine_acts
  fact lacks "$_engine_place"
  exit 0
}

# In the directory: as whom to act there. An action that finds `.` its own asks no further; where it was not vouched for,
# it looks at the mode of `.` together with what it wrote, before that takes its name.
_engine_act() {
  _engine_bits='' _engine_gid=''
  if [ "${phase-}" != apply ]; then
    _engine_who
  elif [ -O . ]; then
    _engine_uid=$_engine_self
    case ${_engine_vouched-} in *"$_engine_line$PWD$_engine_line"*) _engine_bits=755 ;; esac
  else
    _engine_marks .
  fi
  _engine_trusted "$_engine_uid"
  _engine_actor=$_engine_self
  [ "$_engine_self" != 0 ] || _engine_actor=$_engine_uid
  # What was to be written for one user's eyes is not written as another.
  [ -z "${planned_as-}" ] || [ "$planned_as" = "$_engine_actor" ] ||
    fail "$_engine_place belongs to another user than when this was planned; nothing was done in it; plan again"
  if [ "$_engine_actor" != "$_engine_self" ]; then
    _engine_t=$(stat -c %U . 2>/dev/null) || _engine_t=$(stat -f %Su .)
    _engine_as_owner "$_engine_uid" "$_engine_gid" "$_engine_t"
  fi
}
# Who acts, where others than root and we could bring something else to this path until it is acted on.
_engine_acts() {
  [ "${_engine_private-}" ] || fact acts "$_engine_self"
  [ -z "${_engine_owned-}" ] || fact as "$_engine_self $_engine_owned"
}

# Owner, group and permission bits of $1, not of what it may link to: _engine_uid, _engine_gid, _engine_bits.
_engine_marks() {
  _engine_lines=$(stat -c '%a %u %g' -- "$1" 2>/dev/null) || _engine_lines=$(stat -f '%Mp%Lp %u %g' -- "$1")
  _engine_next_row
}
# The first of _engine_lines, taken off there.
_engine_next_row() {
  _engine_t=${_engine_lines%%"$_engine_line"*} _engine_lines=${_engine_lines#*"$_engine_line"}
  _engine_bits=${_engine_t%% *} _engine_t=${_engine_t#* }
  _engine_uid=${_engine_t%% *} _engine_gid=${_engine_t#* }
}
# The same of `.`; and _engine_private, set where nobody but root and we can write it or any directory above it.
_engine_who() {
  set -- "${1:-.}"
  _engine_t=$_engine_real
  while [ "$_engine_t" ]; do
    _engine_t=${_engine_t%/*}
    set -- "$@" "${_engine_t:-/}"
  done
  _engine_lines=$(stat -c '%a %u %g' -- "$@" 2>/dev/null) || [ "$_engine_lines" ] ||
    _engine_lines=$(stat -f '%Mp%Lp %u %g' -- "$@" 2>/dev/null) || :
  _engine_lines=$_engine_lines$_engine_line _engine_n=$# _engine_private=1
  _engine_next_row
  set -- "$_engine_uid" "$_engine_gid" "$_engine_bits"
  case $3 in *[2367]? | *[2367]) _engine_private='' ;; esac
  while _engine_n=$((_engine_n - 1)); do
    case $_engine_uid in 0 | "$_engine_self") ;; *) _engine_private='' ;; esac
    # In a sticky directory only the owner of a name can take it away.
    case $_engine_bits in [1357]???) ;; *[2367]? | *[2367]) _engine_private='' ;; esac
    [ "$_engine_lines" ] || break
    _engine_next_row
  done
  [ "$_engine_n" = 0 ] || _engine_private=''
  _engine_uid=$1 _engine_gid=$2 _engine_bits=$3
}

# Before a step that leaves owners and modes of directories as they are: whether nobody but root and we can write
# directory $1 and those above it. For many files in it that is asked once; _engine_vouched has the directories.
_engine_vouch() {
  case $_engine_vouched in *"$_engine_line$1$_engine_line"*) return 0 ;; esac
  if [ -h "$1" ] || [ ! -d "$1" ]; then return 0; fi
  _engine_real=$1
  _engine_who "$1"
  [ -z "$_engine_private" ] || _engine_vouched=$_engine_vouched$1$_engine_line
}

# Sets `shared` where others than who acts can change what the names in `.` lead to.
crowded() {
  shared=${_engine_crowd-}
  [ "$_engine_bits" ] || _engine_marks .
  case $_engine_uid in 0 | "$_engine_self") ;; *) shared=1 ;; esac
  case $_engine_bits in *[2367]? | *[2367]) shared=1 ;; esac
}
# Whether `name` is ours, and in a sticky directory, where nobody else can take it away.
_engine_safe_entry() {
  case $_engine_bits in [1357]???) [ ! -h "./$_engine_name" ] && [ -O "./$_engine_name" ] ;; *) false ;; esac
}
# Goes to the directory $1 below this one, or as near to it as there is any; only where it is ours, too.
below() {
  _engine_missing='' _engine_real=$1
  until [ -d "./$_engine_real" ]; do
    _engine_missing=${_engine_real##*/}${_engine_missing:+/$_engine_missing}
    case $_engine_real in */*) _engine_real=${_engine_real%/*} ;; *) _engine_real=. ;; esac
  done
  if [ "$_engine_real" != . ]; then
    _engine_t=${PWD%/}/$_engine_real
    cd -P -- "./$_engine_real" || fail "permission denied: $_engine_t cannot be entered"
    [ "$PWD" = "$_engine_t" ] || fail "$_engine_t is in the way: it is a symbolic link; nothing was changed"
  fi
  _engine_marks .
  case $_engine_uid in
    0 | "$_engine_self") ;;
    *) fail "$PWD belongs to user $_engine_uid, and what it is part of to another one; declare it as a resource of its own" ;;
  esac
  crowded
}

# " (vfat)" and the like: the file system that $1 is on.
_engine_on() {
  _engine_t=$(stat -f -c %T -- "$1" 2>/dev/null) || _engine_t=''
  [ -z "$_engine_t" ] || printf ' (%s)' "$_engine_t"
}

# The physical path of $1: _engine_real, empty for the root. Links are read by hand, and who made them is kept in
# _engine_makers: the owner of each, and of the directory it is in; `anybody` where others can write that.
_engine_resolve() {
  _engine_rest=$1/ _engine_real='' _engine_makers='' _engine_hops=0
  while [ -n "$_engine_rest" ]; do
    _engine_part=${_engine_rest%%/*} _engine_rest=${_engine_rest#*/}
    case $_engine_part in
      '' | .) ;;
      ..) _engine_real=${_engine_real%/*} ;;
      *)
        if [ -h "$_engine_real/$_engine_part" ]; then
          _engine_follow "$_engine_real/$_engine_part"
        else
          _engine_real=$_engine_real/$_engine_part
        fi
        ;;
    esac
  done
}
_engine_follow() {
  _engine_hops=$((_engine_hops + 1))
  [ "$_engine_hops" -le 40 ] || fail "too many symbolic links on the way to $_engine_place"
  _engine_marks "$1"
  _engine_maker=$_engine_uid
  _engine_marks "${_engine_real:-/}"
  case $_engine_bits in
    # Where only the owner of a link may remove it, its owner is all that matters.
    [1357]???) _engine_uid=$_engine_maker ;;
    *[2367]? | *[2367]) _engine_uid=anybody ;;
  esac
  _engine_makers="$_engine_makers $_engine_maker $_engine_uid"
  # A name may end in line breaks, which a command substitution would cut off.
  _engine_t=$(readlink -- "$1" && printf x)
  _engine_t=${_engine_t%?x}
  case $_engine_t in /*) _engine_real='' ;; esac
  _engine_rest=$_engine_t/$_engine_rest
}

# Links were followed only where root, or user $1, who owns the directory, or we made them.
_engine_trusted() {
  for _engine_t in $_engine_makers; do
    case $_engine_t in
      0 | "$1") ;;
      "$_engine_self") ;;
      *) _engine_untrusted "$_engine_place is reached through a symbolic link that others can change; nothing was done there" ;;
    esac
  done
}
_engine_untrusted() {
  case ${phase-} in apply | watch) fail "$1" ;; esac
  fact refused "$1"
  exit 0
}

# --- as the owner ------------------------------------------------------------------------------------------------------

# Begins the section's script anew as user $1 of group $2, who is called $3, in this directory. What it did up to here must
# be safe to do twice. Where `feed` names a function, what that prints is sent after the script, which reads it from
# descriptor 4; where `take` names one, that reads what the script writes to descriptor 9, in place of facts.
_engine_as_owner() {
  [ -z "${_engine_pinned-}" ] || fail "a script can act as one user only, and $_engine_place belongs to another one"
  # shellcheck disable=SC2016
  case $_engine_v in
    *'${HOME'*) case ${HOME-} in *\'*) fail "HOME holds a quote: nothing can be done as another user" ;; esac ;;
  esac
  case $3 in
    # Without a name here, it is told as a number or so.
    UNKNOWN | *[!0-9]*) ;;
    *) set -- "$1" "$2" UNKNOWN ;;
  esac
  [ "$3" != UNKNOWN ] || set -- "$1" "$(_engine_nameless_group "$1" "$2")" UNKNOWN
  _engine_more="HOME='${HOME-}' _engine_stay=1 _engine_feed=${feed:+1} _engine_within=${_engine_within-}"
  _engine_more="$_engine_more _engine_uid=$1 _engine_gid=$2 _engine_bits=${_engine_bits-} _engine_private="
  for _engine_t in _engine_name:"${_engine_name-}" _engine_missing:"${_engine_missing-}" _engine_blocked: \
    _engine_real:"${_engine_real-}" _engine_owned:"$3"; do
    _engine_more="$_engine_more ${_engine_t%%:*}=$(_engine_quoted "${_engine_t#*:}")"
  done
  _engine_s=0
  if [ "${take-}" ]; then
    _engine_sent | _engine_drop "$1" "$2" "$3" | "$take" || _engine_s=$?
  else
    _engine_sent | _engine_drop "$1" "$2" "$3" >&9 || _engine_s=$?
  fi
  exit "$_engine_s"
}
# The group for user $1 who has no name, in a directory of group $2: that, or the group of the user's own number; but none
# that has a name here, for that user need not be in it.
_engine_nameless_group() {
  for _engine_t in "$2" "$1" 65534; do
    _engine_n=$(sed -n "/^[^:]*:[^:]*:$_engine_t:/p" /etc/group)
    [ "$_engine_n" ] || break
  done
  printf '%s\n' "$_engine_t"
}
_engine_sent() {
  _engine_values=$(_engine_quoted "$_engine_v")
  _engine_script=$(_engine_quoted "$_engine_x")
  _engine_inside "$_engine_values" "$_engine_script" '' "$_engine_more"
  [ -z "${feed-}" ] || "$feed"
}
# $1 as one shell word.
_engine_quoted() {
  printf "'"
  printf '%s\n' "$1" | sed "s/'/'\\\\''/g; \$s/\$/'/"
}
# What `feed` prints, whoever acts.
sent_content() {
  if [ "${_engine_feed-}" ]; then cat <&4; else "$feed"; fi
}
# Runs the launcher as user $1, with the groups of the user called $3, or with group $2 alone where no name is known. That
# user gets no descriptor but the first three.
_engine_drop() {
  exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
  _engine_launched=$_engine_launcher
  [ -z "${feed-}" ] || _engine_launched=$_engine_stream_launcher
  # A shell may have one of its own, which can do less.
  for _engine_n in setpriv /usr/bin/setpriv /bin/setpriv; do
    _engine_t=$("$_engine_n" --version 2>/dev/null) || _engine_t=
    case $_engine_t:$3 in
      *util-linux*:UNKNOWN)
        exec "$_engine_n" --reuid="$1" --regid="$2" --clear-groups sh -c "$_engine_launched"
        ;;
      *util-linux*)
        _engine_t=$(id -g -- "$3")
        exec "$_engine_n" --reuid="$1" --regid="$_engine_t" --init-groups sh -c "$_engine_launched"
        ;;
    esac
  done
  case $3 in
    UNKNOWN) ;;
    *) ! command -v su >/dev/null 2>&1 || exec su -s /bin/sh -c "$_engine_launched" "$3" ;;
  esac
  ! command -v sudo >/dev/null 2>&1 || exec sudo -n -u "#$1" -- sh -c "$_engine_launched"
  fail "$_engine_place belongs to user $1, and nothing here can act as that user: install setpriv (util-linux) or sudo, or give it to root"
}

# --- looking -----------------------------------------------------------------------------------------------------------

# What is at `path`; at what it links to, where `follow` is set. Sets `type` (file, directory, link, other, absent, or
# blocked: something that is no directory is above it), `above` (the nearest directory above it), and `file`, under which
# a file can be read in what follows; `path` is for messages alone.
look_at_path() {
  case ${seen-} in
    absent | [0-9a-f]*" "*)
      # A glance at all files of the host has found it, where nobody else can write.
      file=$path type='file' sum=${seen%% *} about=${seen#* } above=${path%/*} shared=''
      above=${above:-/}
      [ "$seen" != absent ] || type='absent'
      return 0
      ;;
  esac
  : "${mode=}" "${owner=}" "${group=}" "${dir_mode=}" "${parents=}" "${fresh=0644}" "${backup=0}" "${temp=.engine-new}"
  seen='' shared=''
  _engine_enter "$path" "${follow-}"
  above=${_engine_real:-/}
  if [ "$_engine_blocked" ]; then
    type='blocked' above=$_engine_blocked
    return 0
  fi
  _engine_type
  [ "${phase-}" != apply ] || return 0
  crowded
  if [ "$shared" ] && [ "$type" = file ] && [ -r "$file" ]; then _engine_hold "$file"; fi
}
_engine_type() {
  file=./$_engine_name type='absent'
  if [ "$_engine_missing" ]; then :
  elif [ -h "$file" ]; then type='link'
  elif [ -f "$file" ]; then type='file'
  elif [ -d "$file" ]; then type='directory'
  elif [ -e "$file" ]; then type='other'
  fi
}
# The same for $1, which is below the directory that the script is in: in a subshell, for it goes there.
look_below() {
  path=$path/$1 name=${1##*/} _engine_name=${1##*/}
  above=${path%/*}
  case $1 in */*) below "${1%/*}" ;; *) below . ;; esac
  _engine_type
}
# The same for $1, where the script is in the directory `tree`; else what was found at `path` stays. In a subshell, where
# $2 demands to go to the directory that $1 is in.
find_named() {
  if [ -z "$tree" ] || [ "$type" != directory ]; then return 0; fi
  if [ "$2" ]; then
    look_below "$1"
  else
    _engine_name=$1
    _engine_type
  fi
}
# The same for a directory: where there is one, the script goes on inside of it, as whom it may be there.
look_inside() {
  if [ "${_engine_within-}" ] || { [ -d "$path" ] && { [ ! -h "$path" ] || [ "${follow-}" ]; }; }; then
    _engine_within=1
    _engine_enter "$path/-" ''
    seen='' type='directory' above=${_engine_real:-/} file=. shared=''
    crowded
  else
    look_at_path
  fi
}
# Where others can write, `file` is what was opened, whatever its name leads to by now.
_engine_hold() {
  command exec 5<"$1" || fail "permission denied: $path cannot be read"
  _engine_t=$(stat -L -c '%d:%i %f' /dev/fd/5) || fail "$path cannot be read safely: others can write $_engine_place"
  _engine_n=$(stat -c '%d:%i %f' -- "$1") || _engine_n=
  if [ "$_engine_t" != "$_engine_n" ] || [ ! -f /dev/fd/5 ]; then fail "$path was changed while it was looked at"; fi
  file=/dev/fd/5
}

report_path() {
  fact type "$type"
  case $type${follow-} in
    file | directory) ;;
    *) fact above "$above" ;;
  esac
  if [ "$seen" ] || [ "$type" = blocked ]; then return 0; fi
  [ -z "$_engine_missing" ] || fact lacks "${_engine_real%/}/$_engine_missing"
  _engine_acts
  if [ -z "$shared" ] || { [ "$type" = directory ] && [ "$file" != . ] && _engine_safe_entry; }; then return 0; fi
  fact crowded "$above"
}

# Before an action, where `planned` is set: what `fact` compares of the path, and of what $1 sets `sum` to.
as_planned() {
  if [ -z "${planned_keys-}" ]; then return 0; fi
  report_path
  known_owners
  if [ "$type" = file ]; then
    "$1"
    fact sum "$sum"
    case $planned_keys in
      *' about '*)
        describe_path "$file"
        fact about "$about"
        ;;
    esac
  fi
  planned_keys=''
}
# After it found that nothing is there: notes it for a rollback, where `keep` is set.
note_absence() {
  if [ -z "${keep-}" ] || [ ! -w "${HOME-}" ]; then return 0; fi
  [ -z "${_engine_owned-}" ] ||
    fail "$_engine_place belongs to another user than when this was planned; nothing was done in it; plan again"
  umask 077
  _engine_keep_place
  if [ -e "$keep" ]; then rm -f -- "$keep"; fi
  true >"$keep.absent"
}

# Fails where `file` cannot be read; where it is the owner of the directory who cannot, it is refused.
must_be_readable() {
  [ ! -r "$file" ] || return 0
  [ -z "${_engine_owned-}" ] || _engine_untrusted "user $_engine_self, who owns its directory, cannot read $path; it was left as it is: give it to that user, or the directory to root"
  fail "permission denied: $path cannot be read"
}
# The SHA-256 of `file`, into `sum`. One fork where the host has sha256sum.
file_digest() {
  [ -z "${seen-}" ] || return 0
  must_be_readable
  sum=$(sha256sum <"$file" 2>/dev/null) || sum=$(sha256 <"$file")
  sum=${sum%% *}
}
# Mode, owner, group, size and names of $1, into `about` and its parts.
describe_path() {
  if [ -z "${seen-}" ]; then
    about=$(stat -L -c '%a %u %g %s %U/%G' -- "$1" 2>/dev/null) || about=$(stat -L -f '%Mp%Lp %u %g %z %Su/%Sg' -- "$1")
  fi
  rest=$about
  mode_now=${rest%% *}
  rest=${rest#* }
  uid_now=${rest%% *}
  rest=${rest#* }
  gid_now=${rest%% *}
  rest=${rest#* }
  size_now=${rest%% *}
}

# Fails where the owner or group declared does not exist here. Not asked where the file has it already.
known_owners() {
  [ "$owner$group" ] || return 0
  rest=${seen##* }
  case $owner in
    *[!0-9]*)
      [ "${rest%%/*}" = "$owner" ] || [ "$owner" = root ] || id -u -- "$owner" >/dev/null 2>&1 || _engine_nobody user "$owner"
      ;;
  esac
  case $group in
    *[!0-9]*) [ "${rest#*/}" = "$group" ] || _engine_group_there || _engine_nobody group "$group" ;;
  esac
}
_engine_group_there() {
  if command -v getent >/dev/null 2>&1; then
    getent group -- "$group" >/dev/null
    return
  fi
  while IFS=: read -r _engine_t rest; do
    [ "$_engine_t" != "$group" ] || return 0
  done </etc/group
  return 1
}
_engine_nobody() {
  fact nobody 1
  fail "there is no $1 $2 on this host, so $path cannot be given to it; make it first, or correct the name"
}

# --- watching ----------------------------------------------------------------------------------------------------------

# The newest moment at which $1 changed, into `moment`. Where a host tells no fractions, the end of that second.
changed_at() {
  moment=$(stat -L -c '%Z %z' -- "$1" 2>/dev/null) || moment=$(stat -L -f '%Fc' -- "$1")
  split_moment "$moment"
}
split_moment() {
  moment=$1
  case $moment in
    *.*)
      fraction=${moment#*.}
      fraction=${fraction%% *}
      ;;
    *) fraction=999999999 ;;
  esac
  moment=${moment%% *}
  moment=${moment%%.*}.$fraction
}
# When each of the files named on standard input, with NUL bytes after the names, changed.
moments() { stat_each '%Z %z' '%Fc'; }
# What stat says of each of them, asked in GNU's words $1 or in those of the BSDs, $2.
stat_each() {
  if stat -c %Z / >/dev/null 2>&1; then xargs -0 stat -c "$1" --; else xargs -0 stat -f "$2" --; fi
}
# Reports what is watched: the content's digest in `sum`, and mode, owner and group as far as they are managed.
report_watched() {
  marks=$type
  moment=
  case $type in
    file | directory)
      describe_path "$file"
      changed_at "$file"
      [ -z "$mode" ] || marks="$marks mode $mode_now"
      [ -z "$owner" ] || marks="$marks owner $uid_now"
      [ -z "$group" ] || marks="$marks group $gid_now"
      ;;
  esac
  fingerprint=$(printf '%s\n%s\n' "$marks" "$sum" | sha256)
  fact fingerprint "$fingerprint"
  fact ctime "$moment"
}

# --- writing -----------------------------------------------------------------------------------------------------------

# After `look`: a place for what is new. Variables, which need not be set: `parents` and `dir_mode`, whether and how
# directories are made; `owner`, `group`, `mode`, or `fresh`, the mode of what was not there before (0644); `backup`, how
# many previous contents stay beside it; `temp`, a name for it.
prepare_file() {
  case $type in
    absent | file) ;;
    blocked) fail "$above is in the way: it is no directory; nothing was changed" ;;
    *) fail "$path is in the way: it is no regular file ($type); nothing was changed" ;;
  esac
  if [ "$_engine_missing" ]; then
    [ "$parents" ] || fail "directory ${_engine_real%/}/$_engine_missing does not exist; make it, or set parents: true"
    crowded
  fi
  _engine_workplace
  [ -z "$_engine_missing" ] || _engine_chain ''
}

# Where something new can be made under the name `new`; _engine_up leads from there to the directory it is for.
_engine_workplace() {
  umask 022
  if [ "${_engine_crowd-}$_engine_bits" ]; then crowded; fi
  _engine_up=./ new=./$temp _engine_way='' _engine_top=$new
  trap tidy_up EXIT
  trap 'exit 143' HUP INT TERM
  [ -z "$shared" ] || _engine_den
  _engine_leftover "$new"
}
# A room: a directory that only we can look into, under a name that nobody knew, with a mark in it that nobody else can
# make. It is emptied from inside, for under its name there may be another one by then.
room_mark=.engine-room
# Whether nothing is in this directory yet: a new one of ours, and not an old one that others have moved to its name.
room_is_new() {
  for _engine_t in * .[!.]* ..?*; do
    if [ -e "./$_engine_t" ] || [ -h "./$_engine_t" ]; then return 1; fi
  done
}
empty_room() {
  for _engine_t in * .[!.]* ..?*; do
    [ "$_engine_t" = "$room_mark" ] || rm -rf -- "./$_engine_t"
  done
  rm -f -- "./$room_mark"
}
# Removes the rooms here that runs of ours left a day ago or earlier, when they were cut off. An empty one may lack the
# mark.
sweep_rooms() {
  for _engine_t in ./.engine-*; do
    if [ ! -d "$_engine_t" ] || [ -h "$_engine_t" ] || [ ! -O "$_engine_t" ]; then continue; fi
    _engine_n=$(find "$_engine_t" -prune -mtime +0 2>/dev/null) || continue
    [ "$_engine_n" ] || continue
    (
      _engine_n=${PWD%/}/${_engine_t#./}
      cd -P -- "$_engine_t" || exit 0
      _engine_marks .
      [ "$PWD $_engine_uid ${_engine_bits#2}" = "$_engine_n $_engine_self 700" ] || exit 0
      if [ -f "./$room_mark" ]; then empty_room; fi
    ) || :
    rmdir -- "$_engine_t" 2>/dev/null || :
  done
}
# Goes to a new room; _engine_den is its name in the directory that it is made in. A link or another directory in its
# place is not entered.
enter_new_room() {
  need mktemp
  above=${above:-$PWD}
  sweep_rooms
  _engine_den=$(mktemp -d ./.engine-XXXXXXXXXX) || fail "no directory can be made in $above; nothing was changed"
  _engine_t=${PWD%/}/${_engine_den#./}
  cd -P -- "$_engine_den" || fail "$above was changed meanwhile; nothing was changed"
  [ "$PWD" = "$_engine_t" ] || fail "$above was changed meanwhile; nothing was changed"
  set -- "$_engine_uid" "$_engine_gid" "$_engine_bits"
  _engine_marks .
  # Below a directory with a group of its own (setgid) it has that, too.
  if [ "$_engine_uid ${_engine_bits#2}" != "$_engine_self 700" ] || ! room_is_new; then
    # Whosever it is: what is in it stays.
    cd -P ..
    rmdir -- "$_engine_den" 2>/dev/null || :
    fail "$above is no place where something can be made safely: others can write it$(_engine_on .); nothing was changed"
  fi
  _engine_uid=$1 _engine_gid=$2 _engine_bits=$3
  true >probe
  mv -T -- probe "$room_mark" ||
    fail "others can write $above, and mv of this host has no -T: nothing can be made there safely"
}
# What is new is made in a room, and moved out of it.
_engine_den() {
  enter_new_room
  _engine_up=../ new=./new _engine_top=$new
  [ "$type" = file ] || return 0
  # A link to what is there is ours alone. Where there can be none, what was opened is looked at.
  if ln -- "../$_engine_name" old 2>/dev/null && [ -f old ] && [ ! -h old ]; then
    file=./old
  else
    _engine_hold "../$_engine_name"
  fi
}
# Makes `new` and the directories of _engine_missing below it, and goes to the innermost. $1 is the mode of the first, for
# as long as it is not in its place.
_engine_chain() {
  mkdir ${1:+-m "$1"} -- "$new" || fail "directory ${_engine_real%/}/$_engine_missing cannot be made"
  _engine_way=$new _engine_back=.. _engine_rest=$_engine_missing
  while :; do
    case $_engine_rest in */*) _engine_rest=${_engine_rest#*/} ;; *) break ;; esac
    _engine_way=$_engine_way/${_engine_rest%%/*} _engine_back=$_engine_back/..
    mkdir -- "$_engine_way" || fail "directory ${_engine_real%/}/$_engine_missing cannot be made"
  done
  cd -P -- "$_engine_way"
  new=./$temp
}
# After `look` found nothing: makes the directory `name` and those missing above it, and goes there, before they take
# their places (`finish`). $1 is the mode of the first, for as long.
begin_directory() {
  if [ "$_engine_missing" ] && [ -z "$parents" ]; then
    fail "directory ${_engine_real%/}/$_engine_missing does not exist; make it, or set parents: true"
  fi
  _engine_missing=${_engine_missing:+$_engine_missing/}$_engine_name
  crowded
  _engine_workplace
  _engine_chain "$1"
}
finish_directory() { # $1: the mode of the innermost directory
  _engine_land "$1"
  [ "$_engine_up" = ./ ] || tidy_up
  trap - EXIT
}
# The directories that were made take owner and mode, the innermost first and that with mode $1, and then their place.
_engine_land() {
  [ "$_engine_way" ] || return 0
  cd -P -- "$_engine_back"
  set -- "$1" "$_engine_way"
  _engine_way='' _engine_landing=1
  while [ "$2" != . ]; do
    give_owner "$2"
    [ -z "$1" ] || chmod -- "$1" "$2"
    set -- "$dir_mode" "${2%/*}"
  done
  into_place "$_engine_top" "${_engine_missing%%/*}"
  _engine_landing=''
}

# What is left where something failed, or was made in a place of its own.
tidy_up() {
  trap - EXIT
  exec 3>&-
  [ -z "$_engine_way" ] || cd -P -- "$_engine_back"
  if [ "$_engine_way${_engine_landing-}" ]; then rm -rf -- "$_engine_top"; else rm -f -- "$_engine_top"; fi
  [ "$_engine_up" = ../ ] || return 0
  rm -f -- ./old ./bak ./probe "./$room_mark"
  cd -P ..
  rmdir -- "$_engine_den"
}
# What a run that was cut off left under our own name. Where others can write, anything may be under it, and even alone
# one can make it so that it cannot be removed: then another name is taken.
_engine_leftover() {
  if [ ! -e "$1" ] && [ ! -h "$1" ]; then return 0; fi
  crowded
  if [ -z "$shared" ] && rm -rf -- "$1" 2>/dev/null; then return 0; fi
  [ "$_engine_up" = ./ ] || fail "$1 is in the way in $above"
  _engine_anew
}
# Begins the script anew, as where others can write.
_engine_anew() {
  trap - EXIT
  _engine_crowd=1
  # What is in root's home directory is still meant so.
  [ -z "${_engine_owned-}" ] || HOME=$_engine_home
  eval "$_engine_v"
  eval "$_engine_x"
  exit 0
}

give_owner() { # owner and group of $1, which exists
  [ -z "$owner$group" ] || _engine_give "$owner${group:+:$group}" "$1" ""
}
_engine_give() {
  case $(_engine_on .) in
    *msdos* | *fat* | *cifs* | *smb* | *v9fs* | *9p* | *ntfs*)
      fail "$path cannot be given to $1: it is on a file system without owners$(_engine_on .)$3"
      ;;
  esac
  chown -h -- "$1" "$2" || fail "$path cannot be given to $1$(_engine_on .)$3"
}

# Makes `new`, empty and ours, and opens it as descriptor 3. Never opens what another put there.
open_new() {
  umask 077
  set -C
  command exec 3>"$new" || fail "no file can be made in $above; $path is as it was"
  set +C
  umask 022
  # What others may not read is not written where everybody can read everything.
  case ${mode:-$fresh} in *[4567]) return 0 ;; esac
  for _engine_n in 1 2; do
    _engine_lines=$(stat -c %a -- "$new" 2>/dev/null) || _engine_lines=$(stat -f %Lp -- "$new")
    [ "$_engine_lines" != 600 ] || return 0
    # A default ACL stands in place of the umask.
    chmod 600 "$new"
  done
  fail "$path cannot be kept from others: its file system has no modes of its own$(_engine_on .); it is as it was"
}
write_failed() { fail "the new $path could not be written in full (no space left?); the old one is as it was"; }

# `new` takes the mode and owner declared, or else those of the file it replaces, and then its place.
settle_file() {
  exec 3>&-
  if [ "$type$_engine_bits$_engine_up" = absent755./ ]; then
    # Nothing is to be found out.
    [ -z "$owner$group" ] || _engine_give "$owner${group:+:$group}" "$new" "; nothing was changed"
    chmod -- "${mode:-$fresh}" "$new"
    into_place "$new" "$_engine_name"
    finish_directory "$dir_mode"
    return 0
  fi
  set -- "$new"
  [ "$type" != file ] || set -- "$@" "$file"
  [ "$_engine_bits" ] || set -- "$@" .
  _engine_lines=$(stat -L -c '%a %u %g' -- "$@" 2>/dev/null) || _engine_lines=$(stat -L -f '%Mp%Lp %u %g' -- "$@")
  set -- "$_engine_uid" "$_engine_gid" "$_engine_bits"
  _engine_next_row
  mode_new=$_engine_bits uid_new=$_engine_uid gid_new=$_engine_gid
  mode_now=$fresh uid_now='' gid_now=''
  if [ "$type" = file ]; then
    _engine_next_row
    mode_now=$_engine_bits uid_now=$_engine_uid gid_now=$_engine_gid
  fi
  if [ "$3" ]; then _engine_uid=$1 _engine_gid=$2 _engine_bits=$3; else _engine_next_row; fi
  crowded
  if [ "$shared" ] && [ "$_engine_up" = ./ ]; then
    rm -f -- "$new"
    _engine_anew
  fi
  _engine_mark_new "${owner:-$uid_now}" "${group:-$gid_now}" "${mode:-$mode_now}"
  [ "$type" != file ] || _engine_back_up
  into_place "$new" "$_engine_name"
  finish_directory "$dir_mode"
}
_engine_mark_new() { # $1 owner, $2 group, $3 mode
  [ "$uid_new" = "$_engine_self" ] ||
    fail "what user $_engine_self makes in $above belongs to user $uid_new$(_engine_on .); nothing was changed: use become"
  if [ "${1:-$uid_new}" != "$uid_new" ] || [ "${2:-$gid_new}" != "$gid_new" ]; then
    _engine_give "$1${2:+:$2}" "$new" "; the old one is as it was"
    mode_new=''
  fi
  set -- "$3"
  while case $1 in 0?*) ;; *) false ;; esac; do set -- "${1#0}"; done
  [ "$mode_new" = "$1" ] || chmod -- "$1" "$new"
}
# $1, made here, takes the name $2.
into_place() {
  if [ "$_engine_up" = ./ ] || [ "$_engine_way" ]; then
    mv -f -- "$1" "./$2"
  else
    mv -T -f -- "$1" "../$2"
  fi
}

# $1 takes the name $2, both in this directory: it is never moved into a directory that is there, or that a link leads to.
take_name() {
  case $(mv --help 2>&1 || :) in
    *-T*) mv -fT -- "./$1" "./$2" ;;
    *)
      if [ -e "./$2" ] || [ -h "./$2" ]; then fail "$path is in the way; nothing was changed"; fi
      mv -f -- "./$1" "./$2"
      ;;
  esac
}

# Keeps the content about to be replaced, as many times as `backup` says: .bak, .bak.2, .bak.3, ...
_engine_back_up() {
  [ "$backup" -gt 0 ] || return 0
  set -- "$_engine_up$_engine_name.bak" ''
  # Cut off after this and run again, the same content must not push out an older one.
  if [ -f "$1" ] && [ ! -h "$1" ] && cmp -s -- "$file" "$1"; then return 0; fi
  rotate "$1" _engine_shift
  # Out of a place of our own it is moved: a link could lead elsewhere what is made under the name itself.
  [ "$_engine_up" = ../ ] || set -- "$1" "$1"
  if [ -d "$1" ] && [ ! -h "$1" ]; then fail "$path.bak is in the way: it is a directory; $path is as it was"; fi
  rm -f -- "${2:-./bak}"
  ln -- "$file" "${2:-./bak}" 2>/dev/null || cp -p -- "$file" "${2:-./bak}"
  [ "$2" ] || mv -T -f -- ./bak "$1"
}
# Makes room for another $1, of which `backup` are kept: it becomes $1.2, and so on. $2 moves one to another name.
rotate() {
  while [ "$backup" -gt 1 ]; do
    older=$1.$backup
    backup=$((backup - 1))
    newer=$1.$backup
    [ "$backup" -gt 1 ] || newer=$1
    "$2" "$newer" "$older"
  done
}
_engine_shift() {
  if [ ! -e "$1" ] && [ ! -h "$1" ]; then return 0; fi
  # A link to a directory would be moved into.
  [ "$_engine_up" = ../ ] || [ ! -h "$2" ] || rm -f -- "$2"
  if [ -d "$2" ] && [ ! -h "$2" ]; then
    fail "${path%/*}/${2##*/} is in the way: it is a directory; $path is as it was"
  fi
  if [ "$_engine_up" = ../ ]; then mv -T -f -- "$1" "$2"; else mv -f -- "$1" "$2"; fi
}
_engine_line='
'
