pin "$path"
if [ -e "./$name" ] && [ ! -h "./$name" ]; then fail "$path is in the way: it is not a symbolic link; nothing was changed"; fi
if [ "$state" = absent ]; then
  rm -f -- "./$name"
  exit 0
fi
# Under another name first: between the old link and the new one there is always one of them.
rm -rf -- "./$temp"
ln -s -- "$target" "./$temp"
if ! mv -T -f -- "./$temp" "./$name" 2>/dev/null; then
  # An mv without -T would move it into the directory that the old link leads to.
  rm -f -- "./$temp"
  ln -s -f -n -- "$target" "./$name"
fi
