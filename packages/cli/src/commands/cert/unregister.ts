import type { ProblemErrorData } from '@latchkey/admin-contract'
import type { Command } from 'commander'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'
import { whoSeesRevocation } from '../revocation-notes.ts'

/** `cert unregister` */
export function unregisterVerb(): Command {
  return verb({
    usage: 'unregister <ID>',
    summary: 'end the registration of a key or a name by its id, and the tokens that were got with it',
    examples: ['latchkey cert unregister 8BqT3xW0eYpL5nRk'],
    notes: whoSeesRevocation,
    async run({ args: [id = ''], admin, print }) {
      const { registeredKeys, registeredSubjects } = await admin()
      const revoked = await registeredKeys.revoke({ params: { id } }).catch((error: unknown) => {
        if (!isUnknownCredential(error)) throw error
        return registeredSubjects.revoke({ params: { id } })
      })
      print(revoked, () => `${printable(revoked.id)} is not registered any more.\n`)
    },
  })
}

/** Keys and names have ids of one kind, and whoever has an id need not know of which it is. */
function isUnknownCredential(error: unknown): boolean {
  const data =
    error instanceof Error && 'data' in error ? (error.data as Partial<ProblemErrorData> | undefined) : undefined
  return data?.reason === 'credential.unknown'
}
