look
prepare
open_new
printf '%s' "$content" >>"$new" || full
settle
