look
report
known_owners
case $type in
  file | directory) [ -z "$mode$owner$group" ] || describe "$file" ;;
esac
fact about "${about-}"
