# Of what the glances $1 printed, $2, each line into a variable of its own.
_engine_split_batch() {
  _engine_n=$IFS
  IFS=${IFS#??}
  set -f
  for _engine_t in $2; do
    case ${_engine_t%% *} in
      '' | *[!0-9]*) ;;
      *) eval "_engine_l$1_${_engine_t%% *}=\${_engine_t#* }" ;;
    esac
  done
  set +f
  IFS=$_engine_n
}
