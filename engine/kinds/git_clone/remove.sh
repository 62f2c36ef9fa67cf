pin "$path"
if [ -d "./$temp" ]; then rmdir -- "./$temp"; fi
