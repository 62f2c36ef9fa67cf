need docker
if [ "$state" = absent ]; then
  docker logout ${registry:+"$registry"}
else
  printf '%s\n' "$password" | docker login --username "$username" --password-stdin ${registry:+"$registry"} ||
    fail "docker could not log in to ${registry:-Docker Hub} as $username: check the name and the password"
fi
