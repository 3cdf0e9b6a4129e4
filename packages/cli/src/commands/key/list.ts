import type { SigningKey } from '@latchkey/admin-contract'
import type { Command } from 'commander'
import { moment, table } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

/** `key list` */
export function listVerb(): Command {
  return verb({
    usage: 'list',
    summary: 'list the keys that sign tokens, and what becomes of each',
    examples: ['latchkey key list', 'latchkey key list --json'],
    async run({ admin, print }) {
      const { keys } = await admin()
      const answer = await keys.list({})
      print(answer, () => {
        const next = answer.next_rotation_at
        return (
          table(
            answer.items,
            [
              { title: 'KID', value: (key) => key.kid },
              { title: 'ALGORITHM', value: (key) => key.algorithm },
              { title: 'STATE', value: (key) => key.state },
              { title: 'SINCE', value: (key) => moment(since(key)) },
              { title: 'NEXT', value: (key) => whatIsNext(key) },
            ],
            'There are no keys: `latchkey doctor` may say why.',
          ) +
          (next === undefined
            ? '\nKeys are rotated by `latchkey key rotate` only.\n'
            : `\nThe next key signs from ${moment(next)}.\n`)
        )
      })
    },
  })
}

/** Since when it is in its state. */
function since(key: SigningKey): number | undefined {
  if (key.state === 'revoked') return key.revoked_at
  if (key.state === 'retired') return key.retired_at
  return key.activated_at ?? key.created_at
}

function whatIsNext(key: SigningKey): string {
  if (key.ready_at !== undefined) return `may sign from ${moment(key.ready_at)}`
  if (key.removed_at !== undefined) return `removed ${moment(key.removed_at)}`
  return ''
}
