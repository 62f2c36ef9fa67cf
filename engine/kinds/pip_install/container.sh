pip_lines=$(pip_request "$@")
compose_enter
