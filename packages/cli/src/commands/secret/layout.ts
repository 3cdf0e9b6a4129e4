import type { Secret } from '@latchkey/admin-contract'
import { moment, table } from '../../output/layout.ts'
import { printable } from '../../output/printable.ts'

/** The secrets of a client, without the secrets themselves. */
export function secretTable(secrets: readonly Secret[], clientId: string): string {
  return table(
    secrets,
    [
      { title: 'SECRET', value: (secret) => secret.id },
      { title: 'NAME', value: (secret) => secret.name },
      { title: 'STATE', value: (secret) => secret.state },
      { title: 'CREATED', value: (secret) => moment(secret.created_at) },
      { title: 'EXPIRES', value: (secret) => moment(secret.expires_at) },
      { title: 'LAST USED', value: (secret) => moment(secret.last_used_at) },
      { title: 'REVOKED', value: (secret) => moment(secret.revoked_at) },
    ],
    `The client has no secrets. \`latchkey secret add ${printable(clientId)}\` makes one.`,
  )
}
