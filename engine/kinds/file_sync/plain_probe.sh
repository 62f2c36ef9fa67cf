look_at_path
report_path
known_owners
case $type in
  file | directory) [ -z "$mode$owner$group${_engine_owned-}" ] || describe_path "$file" ;;
esac
fact about "${about-}"
