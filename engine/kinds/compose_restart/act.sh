observe
if [ -n "$missing" ]; then
  fail "$missing; nothing was started"
fi
if [ -n "$gone" ]; then
  fail "the container of $service was made by $gone, which is not there any more; nothing was changed"
fi
decide
if [ "$due" = none ]; then
  fact changed no
else
  perform
fi
