need git
# Where we come from may be closed to the user git is run as.
cd /
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_NAMESPACE GIT_CEILING_DIRECTORIES XDG_CONFIG_HOME
GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true SSH_ASKPASS=true GIT_OPTIONAL_LOCKS=0 GIT_ADVICE=0
export GIT_TERMINAL_PROMPT GIT_ASKPASS SSH_ASKPASS GIT_OPTIONAL_LOCKS GIT_ADVICE
umask 022
tab=$(printf '\t')

# From here on git runs as the owner of $1, if we are root and he is not.
become_owner() {
  as='' owner=$(stat -c '%u %g %U' -- "$1" 2>/dev/null) || owner=$(stat -f '%u %g %Su' -- "$1")
  uid=${owner%% *}
  owner=${owner#* }
  gid=${owner%% *}
  owner=${owner#* }
  me=$(id -u)
  if [ "$me" -ne 0 ] || [ "$uid" -eq 0 ]; then return 0; fi
  home=/ groups=--clear-groups
  case $owner in
    UNKNOWN | '' | *[!A-Za-z0-9._-]* | -*) owner='' ;;
    *)
      eval "home=~$owner"
      groups=--init-groups
      gid=$(id -g -- "$owner")
      ;;
  esac
  if setpriv --reuid="$uid" --regid="$gid" "$groups" -- true 2>/dev/null; then as='setpriv'
  elif [ "$owner" ]; then as='su'
  else fail "$1 belongs to user number $uid, who has no name; without setpriv git cannot be run as that user"
  fi
}

as_owner() {
  case $as in
    setpriv)
      HOME=$home USER=$owner LOGNAME=$owner setpriv --reuid="$uid" --regid="$gid" "$groups" -- "$@"
      ;;
    su) su -s /bin/sh -c 'exec "$@"' -- "$owner" sh "$@" ;;
    *) "$@" ;;
  esac
}

# git in the directory $1; it starts nothing that outlives it.
git_in() {
  in=$1
  shift
  as_owner git -C "$in" -c core.fsmonitor=false -c core.quotePath=false -c gc.auto=0 -c maintenance.auto=false \
    -c advice.detachedHead=false -c diff.autoRefreshIndex=false -c init.defaultBranch=main "$@"
}

# Runs a command: what it prints into `answer`, what it says on standard error into `said`, on one line, how it ends
# into `status`. A repository that is a secret is not named.
listen() {
  heard=$(
    {
      status=0
      answer=$("$@") || status=$?
    } 2>&1
    printf '\001%s\001%s' "$status" "$answer"
  )
  said=$(printf '%s\n' "${heard%%"$apart"*}" | in_short)
  while [ "$shown" != "$url" ]; do
    case $said in *"$url"*) said=${said%%"$url"*}$shown${said#*"$url"} ;; *) break ;; esac
  done
  heard=${heard#*"$apart"}
  status=${heard%%"$apart"*} answer=${heard#*"$apart"}
}
apart=$(printf '\001')

# What git says in lines, without what it says each time, on one line.
in_short() {
  short='' last=''
  while IFS= read -r line; do
    case $line in
      '' | 'Please make sure you have the correct access rights' | 'and the repository exists.') continue ;;
      'fatal: Could not read from remote repository.') last=${line#fatal: } ;;
      *) short=$short${short:+; }${line#fatal: } ;;
    esac
  done
  printf '%s' "${short:-$last}"
}

# Runs a command that must succeed; else fails with $1 and what the command said.
must() {
  what=$1
  shift
  listen "$@"
  [ "$status" -eq 0 ] || fail "$what: ${said:-exit status $status}"
}

# What git says in the directory $1, into `answer`; nothing where it exits with 1, which means that there is nothing.
ask() {
  listen git_in "$@"
  case $status in
    0) ;;
    1) answer='' ;;
    *) fail "git failed in $1 (exit status $status): $said" ;;
  esac
}

# Each time git asks, it gets the next pair of lines.
# shellcheck disable=SC2016  # git runs this in a shell of its own
HELPER='!f() { [ "$1" = get ] || return 0; IFS= read -r u <&3; IFS= read -r p <&3; printf "%s\n" "$u" "$p"; }; f'

# The same for what talks to the other side.
git_far() {
  case $url in
    /* | file:* | http:* | https:* | git:* | ftp:* | ftps:*) ;;
    *)
      ask "$1" config --get core.sshCommand
      if [ -z "$answer${GIT_SSH_COMMAND-}${GIT_SSH-}" ]; then
        GIT_SSH_COMMAND='ssh -o BatchMode=yes'
        export GIT_SSH_COMMAND
      fi
      ;;
  esac
  if [ -z "$user$password" ]; then
    git_in "$@"
    return
  fi
  in=$1
  shift
  for n in 1 2 3 4 5 6 7 8 9; do printf 'username=%s\npassword=%s\n' "$user" "$password"; done | {
    exec 3<&0 </dev/null
    git_in "$in" -c credential.helper= \
      -c "credential.$origin.helper=$HELPER" "$@"
  }
}

# What stands at the path, into `type`: absent, link, file, other, blocked, empty, half (a clone that was cut off,
# with nothing but what git made), checkout, broken (an unusable .git among other files) or directory (anything else).
find_checkout() {
  look
  [ "$type" = directory ] || return 0
  entries=''
  for entry in "$file"/* "$file"/.[!.]* "$file"/..?*; do
    case $entry in
      "$file/.git") ;;
      *)
        if [ -e "$entry" ] || [ -h "$entry" ]; then
          entries=$entry
          break
        fi
        ;;
    esac
  done
  if [ ! -e "$file/.git" ] && [ ! -h "$file/.git" ]; then
    [ "$entries" ] || type='empty'
    return 0
  fi
  become_owner "$file"
  type='checkout' half='broken'
  [ "$entries" ] || half='half'
  # git looks for a repository in the directories above, too: without a way up, it is this one.
  if found=$(git_in "$file" rev-parse --show-cdup --absolute-git-dir 2>&1); then
    line_break='
'
    case $found in
      "$line_break"*) git_dir=${found#?} ;;
      *) type=$half ;;
    esac
  else
    case $found in
      *'not a git repository'*) type=$half ;;
      *) fail "git cannot use $file: $found" ;;
    esac
  fi
  [ "$type" = checkout ] || return 0
  ask "$file" rev-parse -q --verify 'HEAD^{commit}'
  head=$answer
  [ -z "$head" ] || return 0
  ask "$file" for-each-ref --count=1 --format='%(refname)' refs/heads refs/stash
  [ -e "$git_dir/index" ] || [ "$answer" ] || type=$half
  [ "$type" != half ] || [ -z "$entries" ] || type='broken'
}

# Where the checkout says it comes from, without a name and password, into `plain_url`.
find_url() {
  ask "$file" config --get "remote.$remote.url"
  plain_url=$answer
  case $answer in
    http://*@* | https://*@* | ftp://*@* | ftps://*@*)
      rest=${answer#*://}
      authority=${rest%%/*}
      plain_url=${answer%%://*}://${authority##*@}${rest#"$authority"}
      ;;
  esac
}

# shellcheck disable=SC2016  # git runs this in a shell of its own
INNER='git status --porcelain --untracked-files=no | while IFS= read -r line; do
  printf "%.3s%s/%s\n" "$line" "$displaypath" "${line#???}"
done'

# Changes to tracked files that no commit holds, one a line, into `dirty`.
uncommitted() {
  dirty=$(git_in "$file" status --porcelain --untracked-files=no --ignore-submodules=all)
  [ "$submodules" ] || return 0
  inner=$(git_in "$file" submodule --quiet foreach --recursive "$INNER")
  [ -z "$inner" ] || dirty="$dirty${dirty:+
}$inner"
}

# Commits below the given ones that are known from nowhere else, newest first, into `unknown`. Without a wildcard in
# it, git would take the reference for a directory of references.
local_commits() {
  unknown=$(git_in "$file" rev-list --max-count=50 "$@" --not --remotes --tags --glob='refs/engine/checkou[t]')
}

# A checkout was cut off: ours, or that of a first clone, which writes the index at its end.
cut_off() {
  ask "$file" rev-parse -q --verify refs/engine/unfinished
  [ "$answer" ] || [ ! -e "$git_dir/index" ]
}
