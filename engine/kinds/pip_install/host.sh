# -B: to look must not write compiled modules. The directory that Python runs in is one that it imports from. What is
# built gets nothing of what the program reports through.
pip_here() { (cd / && printf '%s\n' "$pip_lines" | "$found" -B -c "$pip_python" "$1") 7>&- 8>&- 9>&-; }
need "$python"
found=$(command -v "$python")
case $found in /*) ;; *) found=$PWD/$found ;; esac

# Root runs nothing that somebody else can write. What an interpreter runs at its start is found from its path.
set -- "$found" "${requirements:-/}" "${found%/*}/pyvenv.cfg" "${found%/*}/../pyvenv.cfg"
trust "$@"
home=${found%/*}
for file in "$3" "$4"; do
  if [ -f "$file" ]; then
    home=$(sed -n 's/^home *= *//p' "$file")
    break
  fi
done
for directory in "${found%/*}/.." "$home/.." "$home/../local"; do
  set -- "$@" "$directory"/lib/python3* "$directory"/lib/python3*/*-packages "$directory"/lib/python3*/*-packages/*.pth
done
trust "$@"
tab=$(printf '\t')
for file do
  case $file in *[!*].pth) ;; *) continue ;; esac
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      '' | '#'* | 'import '* | "import$tab"*) ;;
      /*) set -- "$@" "${line%[[:space:]]}" ;;
      *) set -- "$@" "${file%/*}/${line%[[:space:]]}" ;;
    esac
  done <"$file"
done
trust "$@"
# A requirements file has others read, and projects built.
said=
if [ "$requirements" ] && [ "$(id -u)" = 0 ]; then
  pip_lines=$pip_lines${newline}trusted\ $requirements
  while :; do
    said=$(pip_here check)
    said_fact other
    [ "$value" ] || break
    trust "$value"
    pip_lines=$pip_lines${newline}trusted\ $value
  done
fi
