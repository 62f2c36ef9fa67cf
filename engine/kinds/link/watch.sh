look_at_path
sum='' moment=''
if [ "$type" = link ]; then
  sum=$(readlink -- "$file" | sha256)
  moment=$(stat -c '%Z %z' -- "$file" 2>/dev/null) || moment=$(stat -f '%Fc' -- "$file")
  split_moment "$moment"
fi
fact fingerprint "$type $sum"
fact ctime "$moment"
