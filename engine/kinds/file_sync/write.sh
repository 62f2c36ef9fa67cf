sent() { cat -- "$staging/content"; }
[ -z "$staging" ] || feed=sent
look_at_path
as_planned digest
note_absence
prepare_file
fill "$@"
settle_file
