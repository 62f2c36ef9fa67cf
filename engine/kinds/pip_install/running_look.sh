if [ -z "$missing" ]; then
  compose_see
  if [ "$status" = running ]; then
    # It waits for what is about to run.
    python_find || :
    printf '%s\n' "$running_pythons"
  fi
fi
