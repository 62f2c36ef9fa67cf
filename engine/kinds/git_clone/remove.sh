pin_shared "$path"
if [ -h "./$name" ]; then fail "$path is a symbolic link; nothing was removed"; fi
if [ -d "./$name" ]; then rmdir -- "./$name" || fail "$path was emptied, and is not empty any more: it was left"; fi
