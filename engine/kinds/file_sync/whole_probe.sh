look_at_path
report_path
known_owners
[ "$type" = file ] || exit 0
file_digest
fact sum "$sum"
if [ "$sum" = "$want" ] || [ -z "$want" ] || [ "$phase" = verify ]; then
  [ -z "$mode$owner$group${_engine_owned-}" ] || describe_path "$file"
else
  describe_path "$file"
  case $mode_now in
    *[4567])
      # Text for a diff: everyone on the host may read it. The digest tells whether it came through unharmed.
      if [ "$size_now" -le 65536 ]; then
        text=$(cat -- "$file" && printf x)
        fact text "${text%x}"
      fi
      ;;
  esac
fi
fact about "${about-}"
