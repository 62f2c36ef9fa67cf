look
sum=
[ "$type" != file ] || first_line
watched
