# The text behind "$1":$2 in $3 and before $4, into `part`; fails where there is none.
part_of() {
  case $3 in *"\"$1\":$2"*) ;; *) return 1 ;; esac
  part=${3#*"\"$1\":$2"}
  part=${part%%"$4"*}
}
# The same of a text in JSON with the escapes that Go writes.
text_of() {
  part=$(printf '%s\n' "$2" | sed -n "s/.*\"$1\" *: *\"\(\([^\"\\\\]\|\\\\.\)*\)\".*/\1/p" |
    sed 's/\\u003[cC]/</g; s/\\u003[eE]/>/g; s/\\u0026/\&/g; s/\\\(["\\/]\)/\1/g')
}

need docker
config=${DOCKER_CONFIG:-$HOME/.docker}/config.json
[ -e "$config" ] || exit 0
[ -r "$config" ] || fail "permission denied: $config cannot be read"
text=$(tr -d ' \t\r\n' <"$config")
helper=''
if part_of credsStore '"' "$text" '"'; then helper=$part; fi
if part_of credHelpers '{' "$text" '}' && part_of "$key" '"' "$part" '"'; then helper=$part; fi
if [ "$helper" ]; then
  need "docker-credential-$helper"
  if ! answer=$(printf '%s\n' "$key" | "docker-credential-$helper" get 2>&1); then
    case $answer in *'not found'*) exit 0 ;; *) fail "docker-credential-$helper failed; no password could be read from it" ;; esac
  fi
  text_of Username "$answer"
  stored_name=$part
  text_of Secret "$answer"
  stored=$part
else
  case $text in *'"auths":{'*) ;; *) exit 0 ;; esac
  part_of "$key" '{' "${text#*'"auths":{'}" '}' || exit 0
  part_of auth '"' "{$part" '"' || exit 0
  need base64
  stored=$(printf '%s\n' "$part" | base64 -d)
  stored_name=${stored%%:*} stored=${stored#*:}
fi
fact username "$stored_name"
digest=$(printf '%s' "$stored" | sha256)
fact password "$digest"
