look_at_path
report_path
known_owners
[ "$type" = file ] || exit 0
first_line
fact sum "$sum"
[ -z "$mode$owner$group$public${_engine_owned-}" ] || describe_path "$file"
fact about "${about-}"
# Of a line that is declared to be no secret, the text, where everyone on the host may read it.
case $public/${mode_now-} in
  1/*[4567])
    if [ "$size_now" -le 65536 ]; then
      text=$(head -n 1 <"$file" | tr -d '\n\0' && printf x)
      fact text "${text%x}"
    fi
    ;;
esac
