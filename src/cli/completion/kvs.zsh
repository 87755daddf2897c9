#compdef kvs
# Completion of kvs for zsh. In ~/.zshrc, after compinit: source <(kvs completions zsh)
# kvs itself finds the candidates; nothing of what it prints is evaluated.
_kvs() {
  local -a lines found shown
  local line
  lines=("${(@f)$(printf '%s\0' "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" |
    command kvs completions zsh --candidates 2>/dev/null)}")
  case "${lines[1]}" in
  files)
    compset -P '--*='
    _files
    ;;
  directories)
    compset -P '--*='
    _files -/
    ;;
  words)
    for line in "${(@)lines[2,-1]}"; do
      found+=("${line%%$'\t'*}")
      shown+=("${line/$'\t'/  }")
    done
    if [[ "$shown" == "$found" ]]; then
      compadd -a -- found
    else
      compadd -l -d shown -a -- found
    fi
    ;;
  esac
}
if [[ "${funcstack[1]}" == _kvs ]]; then _kvs "$@"; else compdef _kvs kvs; fi
