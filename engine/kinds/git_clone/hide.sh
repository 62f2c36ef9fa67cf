# First out of sight: a removal that is cut off must not look like a checkout with files deleted.
pin_shared "$path"
if [ -h "./$name" ]; then fail "$path is a symbolic link; nothing was removed"; fi
if [ -d "./$name" ]; then
  if [ -d "./$temp" ]; then rmdir -- "./$temp"; fi
  mv -f -- "./$name" "./$temp"
fi
