# What is known of a file from before, so that it need not be read again: `SIZE INODE CTIME SHA256` of a file that was
# checked, in the ledger. As whom else the script may act, the ledger is the program's, and comes through a pipe.
# What was unpacked comes after it: see unpacked.sh.
remembered() {
  line=''
  [ ! -r "$memory" ] || {
    IFS= read -r line && [ "$line" = 'onetrip download 1' ] && IFS= read -r line
  } <"$memory" || line=''
  printf '%s\n' "$line"
  [ -z "$unpack" ] || [ ! -r "$memory.unpacked" ] || cat -- "$memory.unpacked"
}
# Both, into `sent`, and the first into `known`; once the script has gone to a path.
recall() {
  [ "${sent+read}" ] || sent=$(sent_content)
  known=${sent%%"$_engine_line"*}
}
# Size, inode and ctime of $1, into `identity`.
identify() {
  identity=$(stat -L -c '%s %i' -- "$1" 2>/dev/null) || identity=$(stat -L -f '%z %i' -- "$1")
  changed_at "$1"
  identity="$identity $moment"
}
# Of a large file that is not known nothing is said here: the SHA-256 of `file`, into `sum`, or nothing.
known_digest() {
  identify "$file"
  recall
  sum=''
  case $known in
    "$identity "*) sum=${known##* } ;;
    *)
      size_now=${identity%% *}
      if [ "$size" ] && [ "$size" != "$size_now" ]; then return 0; fi
      [ "$size_now" -gt 67108864 ] || file_digest
      ;;
  esac
}
feed=remembered
