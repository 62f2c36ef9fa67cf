# All of the content. `public` is the digest of the one declared, where it is text and no secret.
inspect() {
  [ "$type" = file ] || return 0
  file_digest
  fact sum "$sum"
  if [ "$sum" = "$public" ] || [ "$phase" = verify ]; then public=''; fi
  describe
  # The digest tells whether it came through unharmed.
  [ "${size_now-0}" -gt 65536 ] || show text cat
}
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
