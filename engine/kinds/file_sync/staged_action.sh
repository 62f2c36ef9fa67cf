look
prepare
new=$staging/content
found=$(sha256 <"$new")
[ "$found" = "$want" ] ||
  fail "what arrived is not what was declared; did the source change meanwhile? $file is as it was"
settle
