there=''
if docker image inspect --format '{{.Id}}' -- "$image" >/dev/null 2>&1; then there=1; fi
if [ "$state" = absent ]; then
  [ -z "$there" ] || docker image rm -- "$image"
  exit 0
fi
if [ "$pull" = never ]; then
  [ "$there" ] || fail "there is no image $image, and pull: never is declared"
  fact changed no
  exit 0
fi
docker pull --quiet -- "$image"
pulled=$(docker image inspect --format '{{.Id}} {{.RepoDigests}}' -- "$image")
case $pulled in
  "sha256:$planned"*) ;;
  # A store of containerd calls an image by the digest of its manifest.
  *" "*"@${pulled%% *}"*) ;;
  *) fail "the registry has another image behind $image by now than was planned ($planned): plan again" ;;
esac
