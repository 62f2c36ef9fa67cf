look_inside
case $type in
  directory) ;;
  absent)
    begin_directory ''
    finish_directory "$mode"
    exit 0
    ;;
  *) fail "$path is in the way ($type); nothing was changed" ;;
esac
if [ "$recursive" ]; then
  [ -z "$shared" ] || [ -z "$(differing all -print)" ] ||
    fail "others can write $path, so what is below it was left as it is: take that right from them"
  # Files first, while every directory still is ours; then directories, and none before what is in it.
  if [ "$file_mode" ]; then differing ours -type f -exec chmod -- "$file_mode" {} +; fi
  if [ "$owner$group" ]; then differing ours ! -type d -exec chown -h -- "$owner${group:+:$group}" {} +; fi
  # shellcheck disable=SC2016  # run by another shell
  differing ours -type d -print0 | sort -z -r | owner=$owner${group:+:$group} mode=$mode xargs -0 -r sh -c '
    set -e
    for name do
      [ -z "$owner" ] || chown -h -- "$owner" "$name"
      [ -z "$mode" ] || chmod -- "$mode" "$name"
    done' sh
fi
_engine_up=./
give_owner .
[ -z "$mode" ] || chmod -- "$mode" .
