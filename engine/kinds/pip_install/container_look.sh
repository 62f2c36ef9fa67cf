if [ -z "$missing" ]; then
  compose_see
  if [ "$status" = running ] && python_find; then
    for id in $ids; do
      if said=$(pip_exec "$id" check); then
        printf '#container %s\n%s\n' "$id" "$said"
      fi
    done
  fi
fi
