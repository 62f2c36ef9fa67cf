said_fact absent
if [ -n "$value" ]; then
  fact fingerprint "no file"
  fact ctime ""
else
  said_fact fingerprint
  fact fingerprint "$value"
  said_fact ctime
  fact ctime "$value"
fi
