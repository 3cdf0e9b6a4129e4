import type { Command } from 'commander'
import { verb } from '../../verb.ts'
import { signsNow } from './layout.ts'

/** `ca rotate` */
export function rotateVerb(): Command {
  return verb({
    usage: 'rotate',
    summary: 'make another intermediate under this server’s own root, and let it sign',
    examples: ['latchkey ca rotate'],
    notes:
      'Certificates by the one before stay good, with a revocation list of their own. Where the operator brought the authority, `latchkey ca csr` asks for the next one.',
    async run({ admin, print }) {
      const { authorities } = await admin()
      const rotated = await authorities.rotate({})
      print(rotated, () => signsNow(rotated))
    },
  })
}
