look
report
known_owners
case $type in
  file | directory) [ -z "$mode$owner$group${_engine_owned-}" ] || describe "$file" ;;
esac
fact about "${about-}"
