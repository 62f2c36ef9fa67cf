whose_table
[ -z "$nobody" ] || fail "there is no user $user on this host"
read_table
make_line
new=$(new_table '' && printf x)
# Without an entry there is no table.
if [ "$new" = x ]; then crontab_of -r; else printf '%s' "${new%x}" | crontab_of -; fi
