look
sum=
watched
