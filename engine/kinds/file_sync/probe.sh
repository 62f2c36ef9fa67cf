# Mode and owner, where they are declared, or where it depends on the mode whether a text is shown.
describe() {
  [ "$mode$owner$group$public${_engine_owned-}" ] || return 0
  describe_path "$file"
  fact about "$about"
}
# Reports as fact $1 what the rest prints, where none of it is secret and everybody on the host may read the file.
show() {
  case $public/${mode_now-} in ?*/*[4567]) ;; *) return 0 ;; esac
  key=$1
  shift
  text=$("$@" <"$file" && printf x)
  fact "$key" "${text%x}"
}
look_at_path
report_path
known_owners
case $type in file | directory) inspect "$@" ;; esac
