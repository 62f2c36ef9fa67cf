# shellcheck disable=SC2154,SC2034
seen=''
