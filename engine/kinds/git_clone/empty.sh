# As whom it belongs to: whoever else removed it could be led elsewhere.
if [ -d "${path%/*}/$temp" ]; then
  pin_shared "${path%/*}/$temp/.git"
  for entry in * .[!.]* ..?*; do rm -rf -- "./$entry"; done
fi
