unset CDPATH ENV planned planned_keys keep
# shellcheck disable=SC3044  # only bash gets there
[ -z "${BASH_VERSION-}" ] || shopt -s inherit_errexit 2>/dev/null

fact() {
  case $1 in '' | *[!A-Za-z0-9_.-]*) fail "fact: \`$1\` is no valid key" ;; esac
  # A marker is 256 bytes at most.
  [ "${#1}" -le 200 ] || fail "fact: a key of ${#1} characters is too long; 200 are allowed"
  if [ -n "${planned_keys-}" ]; then
    # A probe before an action: what is to be replaced must be what the plan found.
    case $planned_keys in *" $1 "*) ;; *) return 0 ;; esac
    case $planned in
      *"
$1 $2
"*) return 0 ;;
    esac
    fail "it changed since it was planned; it was left as it is: plan again"
  fi
  if [ "${#2}" -lt 3800 ]; then
    # One write that fits the pipe's atomic size: a process left behind cannot write into the middle of it.
    printf '\n#%s fact %s %s\n%s\n#%s .\n' "$_engine_nonce" "$_engine_i" "$1" "$2" "$_engine_nonce" >&9
  else
    printf '\n#%s fact %s %s\n' "$_engine_nonce" "$_engine_i" "$1" >&9
    printf '%s' "$2" >&9
    printf '\n#%s .\n' "$_engine_nonce" >&9
  fi
}
# The directory of `keep`, and the version of what is kept there.
_engine_keep_place() {
  [ -d "${keep%/*}" ] || mkdir -p -- "${keep%/*}"
  [ -e "${keep%/*}/version" ] || printf '%s\n' "$keep_version" >"${keep%/*}/version"
}
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}
need() { command -v "$1" >/dev/null 2>&1 || fail "$1 is not installed on this host"; }
if command -v sha256sum >/dev/null 2>&1; then
  sha256() {
    _engine_hash=$(sha256sum) || return
    printf '%s\n' "${_engine_hash%% *}"
  }
elif command -v shasum >/dev/null 2>&1; then
  sha256() {
    _engine_hash=$(shasum -a 256) || return
    printf '%s\n' "${_engine_hash%% *}"
  }
else
  sha256() {
    need openssl
    _engine_hash=$(openssl dgst -sha256) || return
    printf '%s\n' "${_engine_hash##* }"
  }
fi
