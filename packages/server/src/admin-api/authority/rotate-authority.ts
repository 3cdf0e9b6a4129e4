import * as authority from '../../certificate-authority/replace-authority.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { authorityRecord } from './authority-record.ts'

/** `POST /authority/rotate`. Refuses with `authority.not_ours`. */
export const rotateAuthority: Operation<'authorities', 'rotate'> = async (context) => {
  const { change, maker, random, issuer } = context.services
  const of = { random, dataKeys: maker.dataKeys, host: new URL(issuer).host }
  const rotated = await authority.rotateAuthority(change, of, changeContext(context))
  return rotated.ok ? done(authorityRecord(rotated.value, issuer, true)) : rotated
}
