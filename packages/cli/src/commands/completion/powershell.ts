import type { CommandNode } from './command-tree.ts'
import { quotedForPowershell } from './quoting.ts'

/** A completion script for PowerShell 5 and later. */
export function powershellScript(nodes: readonly CommandNode[]): string {
  const entries = nodes.map(({ path, candidates }) => {
    const words = candidates.map(
      ({ word, summary }) => `@(${quotedForPowershell(word)}, ${quotedForPowershell(summary || word)})`,
    )
    return `    ${quotedForPowershell(path)} = @(${words.map((word) => `,${word}`).join('; ')})`
  })
  return `# PowerShell completion for latchkey
Register-ArgumentCompleter -Native -CommandName latchkey -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $commands = @{
${entries.join('\n')}
  }
  $command = ''
  foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
    if ($element.Extent.EndOffset -ge $cursorPosition) { break }
    $longer = "$command $element".Trim()
    if ($commands.ContainsKey($longer)) { $command = $longer }
  }
  $commands[$command] | Where-Object { $_[0] -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $_[1])
  }
}
`
}
