# The SHA-256 of line 1 without its line break, into `sum`. Of the bytes as they are: a variable loses a NUL.
first_line() {
  must_be_readable
  sum=$(head -n 1 <"$file" | tr -d '\n' | sha256)
}
