staged() { cat -- "$staging/content"; }
feed=staged
look_at_path
prepare_file
if [ "$beside" ]; then
  new=$staging/content
else
  open_new
  sent_content >&3 || write_failed
fi
found=$(sha256 <"$new")
[ "$found" = "$want" ] ||
  fail "what arrived is not what was declared; did the source change meanwhile? $path is as it was"
settle_file
