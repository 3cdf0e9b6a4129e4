import { done } from '../../kernel/result.ts'
import type { Operation } from '../operation.ts'
import { authorityRecord } from './authority-record.ts'

/** `GET /authority`. */
export const showAuthority: Operation<'authorities', 'show'> = async ({ services }) => {
  const { certificates, issuer } = services
  const all = await certificates.authorities()
  const root = await certificates.root()
  const request = await certificates.authorityRequest()
  const signing = all.filter(({ replacedAt }) => replacedAt === undefined)
  const replaced = all.filter(({ replacedAt }) => replacedAt !== undefined).toReversed()
  return done({
    items: [...signing, ...replaced].map((one) => authorityRecord(one, issuer, root !== undefined)),
    request: request?.csr,
  })
}
