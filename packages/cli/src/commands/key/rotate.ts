import type { Command } from 'commander'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'
import { layOutChanges } from './layout.ts'

/** `key rotate` */
export function rotateVerb(): Command {
  return verb({
    usage: 'rotate',
    summary: 'let the standby key sign from now on',
    examples: ['latchkey key rotate', 'latchkey key rotate --json'],
    notes: `No token ends: the key before stays published until its last token has expired. The schedule (--key-rotation-days) waits until every
verifier knows the standby; this does not, and warns when some may not. With another --signing-algorithm than before, the key that
signs from now on is one of the new algorithm.`,
    async run({ admin, print, options }) {
      const { keys } = await admin()
      const answer = await keys.rotate({})
      print(answer, () => {
        const retired = answer.retired === undefined ? '' : `Key ${printable(answer.retired)} is retired.\n`
        return layOutChanges(answer) + retired
      })
      if (options.json !== true && answer.warning !== undefined) {
        process.stderr.write(`warning: ${printable(answer.warning)}\n`)
      }
    },
  })
}
