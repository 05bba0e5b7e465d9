# bash completion for kubelogin. Nothing here is evaluated: what the program offers is only compared and quoted.

__kubelogin() {
  local typed=${COMP_LINE:0:COMP_POINT} words cur head line lines word about longest=0
  COMPREPLY=()
  # bash cuts words at `=` and `:`; here they end at blanks only.
  read -ra words <<< "$typed"
  [[ $typed == *[[:blank:]] ]] && words+=('')
  cur=${words[${#words[@]} - 1]}
  mapfile -t lines < <(kubelogin __complete "${words[@]:1}" 2> /dev/null)
  [[ ${#lines[@]} -gt 0 ]] || return
  case ${lines[${#lines[@]} - 1]} in
    :0) compopt -o default 2> /dev/null; return ;;
    :16) compopt -o dirnames 2> /dev/null; return ;;
  esac
  unset "lines[${#lines[@]}-1]"

  # Readline replaces what follows the last `=` or `:` only.
  [[ $cur == -*=* ]] && cur=${cur#*=}
  head=${cur%"${cur##*:}"}
  [[ $COMP_WORDBREAKS == *:* ]] || head=

  if [[ ${#lines[@]} -gt 1 && $COMP_TYPE != 37 && $COMP_TYPE != 42 ]]; then
    # Shown, not inserted: with descriptions. What all have in common is inserted, and that is part of the words.
    for line in "${lines[@]}"; do
      word=${line%%$'\t'*}
      [[ ${#word} -le $longest ]] || longest=${#word}
    done
    for line in "${lines[@]}"; do
      word=${line%%$'\t'*} about=
      [[ $line == *$'\t'* ]] && about=${line#*$'\t'}
      word=${word#"$head"}
      [[ -z $about ]] || printf -v word '%-*s  (%s)' "$((longest - ${#head}))" "$word" "$about"
      COMPREPLY+=("$word")
    done
  else
    for line in "${lines[@]}"; do
      word=${line%%$'\t'*}
      printf -v word '%q' "${word#"$head"}"
      COMPREPLY+=("$word")
    done
  fi
}

complete -F __kubelogin kubelogin
