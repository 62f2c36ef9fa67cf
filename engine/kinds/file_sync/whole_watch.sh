look
sum=
[ "$type" != file ] || digest
watched
