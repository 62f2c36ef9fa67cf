look_at_path
prepare_file
open_new
printf '%s' "$content" >&3 || write_failed
settle_file
