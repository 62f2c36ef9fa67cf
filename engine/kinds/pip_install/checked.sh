said=${checked-}
if [ -z "$said" ]; then
  said=$(pip_request "$@" | "$python" -B -c "$pip_python" check)
fi
