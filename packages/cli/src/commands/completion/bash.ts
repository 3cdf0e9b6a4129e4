import type { CommandNode } from './command-tree.ts'
import { quotedForShell } from './quoting.ts'

/**
 * A completion script for bash 3.2 and later, without the bash-completion package. Words before the cursor lead to a command; what follows an
 * option that takes a value completes as a file.
 */
export function bashScript(nodes: readonly CommandNode[]): string {
  const words = nodes.map(({ path, candidates }) => {
    return `    ${quotedForShell(path)}) words=${quotedForShell(candidates.map(({ word }) => word).join(' '))} ;;`
  })
  const values = nodes
    .filter(({ takingValues }) => takingValues.length > 0)
    .map(
      ({ path, takingValues }) =>
        `    ${quotedForShell(path)}) values=${quotedForShell(` ${takingValues.join(' ')} `)} ;;`,
    )
  return `# bash completion for latchkey
_latchkey_words() {
  words=''
  case $1 in
${words.join('\n')}
  esac
}
_latchkey_values() {
  values=''
  case $1 in
${values.join('\n')}
  esac
}
_latchkey() {
  local current=\${COMP_WORDS[COMP_CWORD]} command='' words values word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    _latchkey_values "$command"
    if [[ $values == *" $word "* ]]; then
      ((i + 1 == COMP_CWORD)) && return
      ((i++))
    elif [[ $word != -* ]]; then
      _latchkey_words "\${command:+$command }$word"
      [[ -n $words ]] && command="\${command:+$command }$word"
    fi
  done
  _latchkey_words "$command"
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _latchkey latchkey
`
}
