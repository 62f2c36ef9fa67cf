pin_shared "$path"
if [ -d "./$temp" ]; then rmdir -- "./$temp"; fi
