# Runs in the container: lets any Python there read what runs ($1: the text to run, $2: the main process).
names=
for python in python3 python /usr/local/bin/python3 /usr/bin/python3 /opt/*/bin/python3 /proc/[0-9]*/exe; do
  case $python in
    /proc/*)
      { IFS= read -r name <"${python%exe}comm"; } 2>/dev/null || continue
      names="$names${names:+, }$name"
      case $name in python* | pypy*) ;; *) continue ;; esac
      ;;
  esac
  if command -v "$python" >/dev/null 2>&1; then
    exec "$python" -I -S -c "$1" "$2"
  fi
done
if [ -z "$names" ]; then
  echo '#why its processes cannot be read (/proc)'
else
  echo "#why no Python runs in it, but $names"
fi
