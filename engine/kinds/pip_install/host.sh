# -B: to look must not write compiled modules. What is built gets nothing of what the program reports through.
pip_here() { printf '%s\n' "$pip_lines" | "$python" -B -c "$pip_python" "$1" 7>&- 8>&- 9>&-; }
need "$python"
found=$(command -v "$python")
case $found in /*) ;; *) found=$PWD/$found ;; esac
# A virtual environment is found from the interpreter's path. Root runs nothing that somebody else can write.
prefix=${found%/*}/..
trust "$found" "${requirements:-/}" "$prefix/pyvenv.cfg" "$prefix"/lib/python3*/site-packages
