pin "$path"
if [ -h "./$name" ]; then
  # A target may end in line breaks, which a command substitution would cut off.
  found=$(readlink -- "./$name" && printf x)
  fact target "${found%?x}"
elif [ -e "./$name" ]; then
  fact refused "$path is in the way: it is not a symbolic link; it was left as it is: move it away"
fi
