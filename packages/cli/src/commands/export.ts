import type { Command } from 'commander'
import { printableJson } from '../output/printable.ts'
import { verb } from '../verb.ts'
import { declarationText } from './apply/declaration-text.ts'

/** `export`: what `apply` takes, and finds nothing to do with. */
export function exportCommand(): Command {
  return verb({
    usage: 'export',
    summary: 'print resource servers and clients as a file that apply takes',
    examples: ['latchkey export > latchkey.yaml', 'latchkey export --json'],
    notes: 'Holds no secret. The order is stable, so that two exports can be compared line by line.',
    async run({ options, admin }) {
      const { declaration } = await admin()
      const document = await declaration.export({})
      if (options.json === true) {
        process.stdout.write(`${printableJson(document)}\n`)
        return
      }
      process.stdout.write(declarationText(document, ['Resource servers and clients, by `latchkey export`.']))
    },
  })
}
