pip_request "$@" | "$python" -B -c "$pip_python" check
