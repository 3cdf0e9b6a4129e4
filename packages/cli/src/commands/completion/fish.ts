import type { CommandNode } from './command-tree.ts'
import { quotedForFish } from './quoting.ts'

/** A completion script for fish 3 and later. */
export function fishScript(nodes: readonly CommandNode[]): string {
  const lines = nodes.flatMap(({ path, candidates, takingValues }) => {
    const condition = quotedForFish(`test (__latchkey_command) = ${quotedForFish(path)}`)
    return candidates.map(({ word, summary }) => {
      const description = summary === '' ? '' : ` -d ${quotedForFish(summary)}`
      if (!word.startsWith('--'))
        return `complete -c latchkey -f -n ${condition} -a ${quotedForFish(word)}${description}`
      const value = takingValues.includes(word) ? ' -r' : ''
      return `complete -c latchkey -n ${condition} -l ${quotedForFish(word.slice(2))}${value}${description}`
    })
  })
  const paths = nodes.map(({ path }) => quotedForFish(path)).filter((path) => path !== "''")
  return `# fish completion for latchkey
set -g __latchkey_commands ${paths.join(' ')}
function __latchkey_command
  set -l command ''
  set -l words (commandline -opc)
  for word in $words[2..-1]
    set -l longer (string trim "$command $word")
    if contains -- $longer $__latchkey_commands
      set command $longer
    end
  end
  echo "$command"
end
${lines.join('\n')}
`
}
