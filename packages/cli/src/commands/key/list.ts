import type { Command } from 'commander'
import { moment, table } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

/** `key list` */
export function listVerb(): Command {
  return verb({
    usage: 'list',
    summary: 'list the keys that sign tokens',
    examples: ['latchkey key list'],
    async run({ admin, print }) {
      const { keys } = await admin()
      const answer = await keys.list({})
      print(answer, () =>
        table(
          answer.items,
          [
            { title: 'KID', value: (key) => key.kid },
            { title: 'ALGORITHM', value: (key) => key.algorithm },
            { title: 'STATE', value: (key) => key.state },
            { title: 'CREATED', value: (key) => moment(key.created_at) },
            { title: 'ACTIVE SINCE', value: (key) => moment(key.activated_at) },
          ],
          'There are no keys: `latchkey doctor` may say why.',
        ),
      )
    },
  })
}
