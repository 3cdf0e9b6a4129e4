import type { CommandNode } from './command-tree.ts'
import { quotedForShell } from './quoting.ts'

/** A completion script for zsh, to be put into a folder of `fpath` or to be sourced. */
export function zshScript(nodes: readonly CommandNode[]): string {
  const words = nodes.map(({ path, candidates }) => {
    // A colon in a word would end it for _describe.
    const described = candidates.map(({ word, summary }) => quotedForShell(`${word.replaceAll(':', '\\:')}:${summary}`))
    return `    ${quotedForShell(path)}) candidates=(${described.join(' ')}) ;;`
  })
  const values = nodes
    .filter(({ takingValues }) => takingValues.length > 0)
    .map(({ path, takingValues }) => `    ${quotedForShell(path)}) values=(${takingValues.join(' ')}) ;;`)
  return `#compdef latchkey
_latchkey_candidates() {
  candidates=()
  case $1 in
${words.join('\n')}
  esac
}
_latchkey_values() {
  values=()
  case $1 in
${values.join('\n')}
  esac
}
_latchkey() {
  local command='' word i
  local -a candidates values
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    _latchkey_values "$command"
    if ((\${values[(Ie)$word]})); then
      if ((i + 1 == CURRENT)); then _files; return; fi
      ((i++))
    elif [[ $word != -* ]]; then
      _latchkey_candidates "\${command:+$command }$word"
      ((\${#candidates})) && command="\${command:+$command }$word"
    fi
  done
  _latchkey_candidates "$command"
  _describe latchkey candidates || _files
}
if [[ \${funcstack[1]} == _latchkey ]]; then _latchkey "$@"; else compdef _latchkey latchkey; fi
`
}
