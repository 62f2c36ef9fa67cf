# git runs as whom the directory belongs to, so that files keep their owner and nobody's hooks run as root. It never asks
# anything. A name and password from the declared URL reach it through descriptor 3, never as an argument or in the
# environment. References under `refs/engine/` are ours:
#   refs/engine/checkout    the commit checked out last; so it is known not to be a local one, and is never collected
#   refs/engine/busy        set while we work; if it is found, a run was cut off and its lock files are stale
#   refs/engine/unfinished  the commit a checkout was leading to, set while files are replaced
#   refs/engine/rescued     what was found changed after a checkout that was cut off
need git
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_NAMESPACE GIT_CEILING_DIRECTORIES XDG_CONFIG_HOME
GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true SSH_ASKPASS=true GIT_ADVICE=0
export GIT_TERMINAL_PROMPT GIT_ASKPASS SSH_ASKPASS GIT_ADVICE
if [ "$phase" = apply ]; then
  unset GIT_OPTIONAL_LOCKS
else
  GIT_OPTIONAL_LOCKS=0
  export GIT_OPTIONAL_LOCKS
fi
# An owner without a name has no home.
case ${HOME-} in /*) ;; *) HOME=/ ;; esac
umask 022
newline='
'
apart=$(printf '\001')
where=.

# git in the directory `where`; it starts nothing that outlives it, and no hook gets what the program reports through.
git_here() {
  git -C "$where" -c core.fsmonitor=false -c core.quotePath=false -c gc.auto=0 -c maintenance.auto=false \
    -c advice.detachedHead=false -c diff.autoRefreshIndex=false -c init.defaultBranch=main "$@" 7>&- 8>&- 9>&-
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

# What git says, into `answer`; nothing where it exits with 1, which means that there is nothing.
ask() {
  listen git_here "$@"
  case $status in
    0) ;;
    1) answer='' ;;
    *) fail "git failed in $path (exit status $status): $said" ;;
  esac
}

# Each time git asks, it gets the next pair of lines.
# shellcheck disable=SC2016  # git runs this in a shell of its own
HELPER='!f() { [ "$1" = get ] || return 0; IFS= read -r u <&3; IFS= read -r p <&3; printf "%s\n" "$u" "$p"; }; f'

# git that talks to the other side. Hooks would inherit the password.
git_far() {
  case $url in
    /* | file:* | http:* | https:* | git:* | ftp:* | ftps:*) ;;
    *)
      ask config --get core.sshCommand
      if [ -z "$answer${GIT_SSH_COMMAND-}${GIT_SSH-}" ]; then
        GIT_SSH_COMMAND='ssh -o BatchMode=yes'
        export GIT_SSH_COMMAND
      fi
      ;;
  esac
  if [ -z "$user$password" ]; then
    git_here "$@"
    return
  fi
  for n in 1 2 3 4 5 6 7 8 9; do printf 'username=%s\npassword=%s\n' "$user" "$password"; done | {
    exec 3<&0 </dev/null
    git_here -c core.hooksPath=/dev/null -c credential.helper= -c "credential.$origin.helper=$HELPER" "$@"
  }
}

# Goes to the checkout's directory, or to the deepest one there is on the way to it; `rest` is the way from there. What
# is at the path, into `type`: absent, link, file, other, blocked (by `above`), or as `find_checkout` says.
enter() {
  type='link' base=$path
  [ ! -h "$path" ] || return 0
  until [ -d "$base/" ]; do base=${base%/*}; done
  pin_shared "$base/.git"
  cd -P .
  # Whom it belongs to may not see it from above.
  (here=$PWD && cd -P -- "$base/" && [ "$PWD" = "$here" ]) || fail "$base cannot be entered by its owner, or was moved"
  rest=${path#"$base"}
  rest=${rest#/}
  type='absent' above=$base/${rest%%/*}
  if [ -z "$rest" ]; then find_checkout
  elif [ ! -e "./${rest%%/*}" ] && [ ! -h "./${rest%%/*}" ]; then
    above=${base:-/}
    # git names its directory by the full path: root makes none where somebody else can replace what is on it.
    case $state$_engine_self$shared$_engine_bits in present01[1357]???) ;; present01*) type='exposed' ;; esac
  elif [ "$above" != "$path" ]; then type='blocked'
  elif [ -h "./$rest" ]; then type='link'
  elif [ -f "./$rest" ]; then type='file'
  else type='other'
  fi
}

# What the directory is, into `type`: empty, half (a clone that was cut off, with nothing but what git made), checkout,
# removing (a removal was cut off), broken (an unusable .git among other files, or where others could have put it),
# foreign (root's, but others can write it), or directory (anything else).
find_checkout() {
  half='half' type='empty'
  for entry in * .[!.]* ..?*; do
    # Where others can write, a clone is made in a room, which a run that was cut off may have left.
    case $shared$entry in .git | 1.git | 1.engine-??????????) continue ;; esac
    if [ -e "./$entry" ] || [ -h "./$entry" ]; then
      half='broken' type='directory'
      break
    fi
  done
  there=''
  if [ -e .git ] || [ -h .git ]; then there=1; fi
  if [ "$there$type" = directory ]; then return 0; fi
  # Root runs nothing that somebody else can write.
  me=$(id -u)
  if [ "$me" = 0 ]; then
    found=$(find . .git .git/* -prune \( ! -user 0 -o -perm -002 -o -perm -020 ! -group 0 \) 2>/dev/null) || :
    if [ "$found" ]; then
      type='foreign'
      return 0
    fi
  fi
  [ "$there" ] || return 0
  # Only what is ours: where others can write, one who brings a mark there would have everything removed.
  type='removing'
  if [ -f .git/engine-removing ] && [ ! -h .git ] && [ -O .git ] && [ -O .git/engine-removing ]; then return 0; fi
  [ -z "$shared" ] || half='broken'
  type='checkout'
  # git looks for a repository in the directories above, too: without a way up, it is this one.
  if found=$(git_here rev-parse --show-cdup --git-dir 2>&1); then
    case $found in
      "$newline"*) git_dir=${found#?} ;;
      *) type=$half ;;
    esac
  else
    case $found in
      *'not a git repository'*) type=$half ;;
      *) fail "git cannot use $path: $found" ;;
    esac
  fi
  [ "$type" = checkout ] || return 0
  ask rev-parse -q --verify 'HEAD^{commit}'
  head=$answer
  [ -z "$head" ] || return 0
  ask for-each-ref --count=1 --format='%(refname)' refs/heads refs/stash
  [ -e "$git_dir/index" ] || [ "$answer" ] || type=$half
}

# Fails where what is found, $1, is not what the plan found, $2: only that was agreed to.
planned_as() {
  [ "$1" = "$2" ] || fail "$path was changed since it was planned; it is as it was found: plan again"
}

# Empties the checkout, what is in .git last and the mark there after all else: a removal that is cut off must not look like
# a checkout with files deleted.
clear_out() {
  if [ -d .git ] && [ ! -f .git/engine-removing ]; then
    rm -rf -- .git/engine-removing
    true >.git/engine-removing
  fi
  for entry in * .[!.]* ..?* .git/*; do
    case $entry in
      .git) [ -d .git ] || rm -f -- .git ;;
      .git/engine-removing) ;;
      *) rm -rf -- "./$entry" ;;
    esac
  done
  rm -rf -- .git
}

# Where the checkout says it comes from, without a name and password, into `plain_url`.
find_url() {
  ask config --get "remote.$remote.url"
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
  dirty=$(git_here status --porcelain --untracked-files=no --ignore-submodules=all)
  [ "$submodules" ] || return 0
  inner=$(git_here submodule --quiet foreach --recursive "$INNER")
  [ -z "$inner" ] || dirty="$dirty${dirty:+$newline}$inner"
}

# Commits below the given ones that are known from nowhere else, newest first, into `unknown`. Without a wildcard in
# it, git would take the reference for a directory of references.
local_commits() {
  unknown=$(git_here rev-list --max-count=50 "$@" --not --remotes --tags --glob='refs/engine/checkou[t]')
}

# A checkout was cut off: ours, or that of a first clone, which writes the index at its end.
cut_off() {
  ask rev-parse -q --verify refs/engine/unfinished
  [ "$answer" ] || [ ! -e "$git_dir/index" ]
}

# What would be lost with the checkout: changes, stashes, files that are not ignored, commits that are nowhere else.
losses() {
  lost=''
  if cut_off; then return 0; fi
  uncommitted
  [ -z "$dirty" ] || lost="${lost}uncommitted changes, "
  ask rev-parse -q --verify refs/stash
  [ -z "$answer" ] || lost="${lost}a stash, "
  local_commits --branches ${head:+"$head"}
  [ -z "$unknown" ] || lost="${lost}commits that are nowhere else, "
  strangers=$(git_here ls-files --others --exclude-standard)
  [ -z "$strangers" ] || lost="${lost}files that are not in git, "
  lost=${lost%, }
}
