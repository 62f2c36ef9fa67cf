look
prepare
open_new
printf '%s' "$content" >&3 || full
settle
