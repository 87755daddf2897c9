# Completion of kvs for bash. In ~/.bashrc: source <(kvs completions bash)
# kvs itself finds the candidates; nothing of what it prints is evaluated.
_kvs() {
  local -a lines
  mapfile -t lines < <(printf '%s\0%s\0' "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" |
    command kvs completions bash --candidates 2>/dev/null)
  COMPREPLY=()
  case ${lines[0]-} in
  files) compopt -o default ;;
  directories) compopt -o dirnames ;;
  words) COMPREPLY=("${lines[@]:1}") ;;
  esac
}
complete -F _kvs kvs
