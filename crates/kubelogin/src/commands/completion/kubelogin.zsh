#compdef kubelogin
# zsh completion for kubelogin.

_kubelogin() {
  local -a lines offers
  local line word
  lines=("${(@f)$(command kubelogin __complete "${(@Q)words[2,CURRENT]}" 2> /dev/null)}")
  (( $#lines )) || return 1
  [[ ${words[CURRENT]} == -*=* ]] && compset -P '*='
  case ${lines[-1]} in
    :0) _files; return ;;
    :16) _files -/; return ;;
  esac
  for line in "${(@)lines[1,-2]}"; do
    word=${line%%$'\t'*}
    word=${${word//\\/\\\\}//:/\\:}
    if [[ $line == *$'\t'* ]]; then offers+=("$word:${line#*$'\t'}"); else offers+=("$word"); fi
  done
  (( $#offers )) && _describe -t kubelogin kubelogin offers
}

# Loaded by compinit as `_kubelogin`, or sourced.
if [[ ${funcstack[1]} == _kubelogin ]]; then _kubelogin "$@"; else compdef _kubelogin kubelogin; fi
