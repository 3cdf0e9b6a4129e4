import type { DeclarationExport } from '@latchkey/admin-contract'
import { stringify } from 'yaml'
import { printable } from '../../output/printable.ts'

/** A document as a YAML file, with comments above it: `first`, then what holds for every such file. */
export function declarationText(document: DeclarationExport, first: readonly string[]): string {
  const comments = [
    ...first,
    'It holds no secret, and takes none. See what it would change, then change it:',
    '  latchkey apply -f FILE --plan',
    '  latchkey apply -f FILE',
    'A client without a state stays as it is, enabled or disabled; a new one is enabled.',
  ]
  return `${comments.map((line) => `# ${printable(line)}\n`).join('')}${stringify(document, { lineWidth: 0 })}`
}
