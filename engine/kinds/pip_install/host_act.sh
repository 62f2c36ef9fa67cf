said=$(pip_request "$@" | "$python" -B -c "$pip_python" check)
said_fact absent
if [ -n "$value" ]; then
  fail "the requirements file $value is not there; nothing was installed"
fi
said_fact missing
if [ -z "$value" ]; then
  fact changed no
else
  pip_request "$@" | "$python" -B -c "$pip_python" install
  said=$(pip_request "$@" | "$python" -B -c "$pip_python" check)
  said_satisfied
fi
