staged() { cat -- "$staging/content"; }
feed=staged
look
prepare
if [ "$beside" ]; then
  new=$staging/content
else
  open_new
  fed >&3 || full
fi
found=$(sha256 <"$new")
[ "$found" = "$want" ] ||
  fail "what arrived is not what was declared; did the source change meanwhile? $path is as it was"
settle
