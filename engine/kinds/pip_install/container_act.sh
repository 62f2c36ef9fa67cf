[ -z "$missing" ] || fail "$missing; nothing was installed"
compose_see
[ -z "$gone" ] || fail "the container of $service was made by $gone, which is not there any more; nothing was changed"
lasting=no
if [ "$status" != absent ] && lasting; then
  lasting=yes
fi
case $status/$lasting in
  running/yes)
    python_needed
    install_running
    ;;
  running/no) install_ahead ;;
  *) install_stopped ;;
esac
