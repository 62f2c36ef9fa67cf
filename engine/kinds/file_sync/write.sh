sent() { cat -- "$staging/content"; }
[ -z "$staging" ] || feed=sent
look_at_path
prepare_file
fill "$@"
settle_file
