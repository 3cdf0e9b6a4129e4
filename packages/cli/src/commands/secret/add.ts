import { Option, type Command } from 'commander'
import { secondsOption } from '../../option-values.ts'
import { moment, record } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

interface Options {
  readonly name?: string
  readonly expiresIn?: number
  readonly replaces?: string
}

/** `secret add`: prints the secret, once. */
export function addVerb(): Command {
  return verb<Options>({
    usage: 'add <CLIENT>',
    summary: 'give a client one more secret and print it',
    examples: [
      'latchkey secret add 1f9k2m4p6r8t0v1x3z5b7d9f --name 2027 --expires-in 31536000',
      'latchkey secret add 1f9k2m4p6r8t0v1x3z5b7d9f --replaces 8BqT3xW0eYpL5nRk --json',
    ],
    notes:
      'The secrets that it has keep working. With --replaces, revoking the old one as compromised ends the new one too.',
    options: [
      new Option('--name <NAME>', 'a name for it'),
      secondsOption('--expires-in <S>', 'life of the secret, in seconds'),
      new Option('--replaces <ID>', 'the secret that it is to replace'),
    ],
    async run({ args: [clientId = ''], options, admin, print }) {
      const { secrets } = await admin()
      const added = await secrets.add({
        params: { client_id: clientId },
        body: { name: options.name, expires_in: options.expiresIn, replaces: options.replaces },
      })
      print(
        added,
        () =>
          record([
            ['id', added.id],
            ['client_secret', added.client_secret],
            ['expires', moment(added.expires_at)],
          ]) + '\nThe secret is shown only this once.\n',
      )
    },
  })
}
