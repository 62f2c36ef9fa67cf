look_at_path
report_path
known_owners
[ "$type" = file ] || exit 0
must_be_readable
scan "$@"
fact unclosed "$unclosed"
[ -z "$mode$owner$group$public${_engine_owned-}" ] || describe_path "$file"
fact about "${about-}"
n=0
for key do
  n=$((n + 1))
  eval "now=\$now_$n"
  [ -n "$now" ] || continue
  sum=$(printf '%s' "${now#=}" | sha256)
  fact "key.$key" "$sum"
  # Of a key that is declared to be no secret, the value, where everyone on the host may read it.
  case " $public /${mode_now-}" in
    *" $key "*/*[4567]) fact "text.$key" "${now#=}" ;;
  esac
done
