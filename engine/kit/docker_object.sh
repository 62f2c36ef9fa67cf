# What docker reports of $2, which is a $1 (network, volume, image), with the fields of the template $3, into `found`; empty
# where there is none.
inspect_object() {
  need docker
  if found=$(docker "$1" inspect --format "$3" -- "$2" 2>/dev/null); then return 0; fi
  if found=$(docker "$1" inspect --format "$3" -- "$2" 2>&1); then return 0; fi
  case $found in
    *"$1 $2 not found"* | *[Nn]'o such '*) found='' ;;
    *) fail "docker could not be asked: $found" ;;
  esac
}
# The containers that use it, whether they run or not, into `users`.
users_of() { users=$(docker ps --all --filter "$1=$2" --format '{{.Names}}'); }
