# The whole content is `content`, or what was sent, whose digest is `want`.
digest() { file_digest; }
fill() {
  if [ -z "$staging" ]; then
    open_new
    printf '%s' "$content" >&3 || write_failed
    return 0
  fi
  if [ "$beside" ]; then
    new=$staging/content
  else
    open_new
    sent_content >&3 || write_failed
  fi
  found=$(sha256 <"$new")
  [ "$found" = "$want" ] ||
    fail "what arrived is not what was declared; did the source change meanwhile? $path is as it was"
}
