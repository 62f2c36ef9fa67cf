enter
stamp_path
if [ -f "$ran/$stamp" ]; then
  changed_at "$ran/$stamp"
  fingerprint=$(sha256 <"$ran/$stamp")
else
  # That it will run must be noted there. What has not run yet is older than any service.
  place=$ran
  until [ -z "$place" ] || [ -d "$place" ]; do place=${place%/*}; done
  [ -w "${place:-/}" ] || fail "no service can restart on this command: that it ran cannot be noted in $ran"
  moment=0.000000000 fingerprint=never
fi
fact fingerprint "$fingerprint"
fact ctime "$moment"
