pin "$path"
rm -f -- "./$name"
