#!/bin/sh
# A dynamic inventory of the old kind: no `_meta`, so it is asked for each host.
case $1$2 in
--list)
    cat <<'JSON'
{
    "web": {"hosts": ["web1", "web2"], "vars": {"port": 80, "secure": false}},
    "db": ["db1", "db2"],
    "lonely": {"ansible_host": "198.51.100.9", "role": "own group"},
    "both": {"children": ["web", "db"], "vars": {"text": "two\nlines"}}
}
JSON
    ;;
--hostweb1) echo '{"ansible_port": 2222, "tags": ["a", "b"]}' ;;
--hostdb1) echo '{}' ;;
esac
