import type { Command } from 'commander'
import { verb } from '../../verb.ts'
import { requestRecord } from './layout.ts'

/** `request show` */
export function showVerb(): Command {
  return verb({
    usage: 'show <ID>',
    summary: 'show a request for access: what is asked for, by whom, and what was said',
    examples: ['latchkey request show 7j9l1n3p5r7t9v1x3z5b7d9f'],
    async run({ args: [id = ''], admin, print }) {
      const { requests } = await admin()
      const request = await requests.get({ params: { id } })
      print(request, () => requestRecord(request))
    },
  })
}
