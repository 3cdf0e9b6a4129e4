import * as authority from '../../certificate-authority/replace-authority.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'

/** `POST /authority/request`. */
export const requestAuthority: Operation<'authorities', 'request'> = async (context, { body }) => {
  const { change, maker, random, issuer } = context.services
  const { host } = new URL(issuer)
  const of = { random, dataKeys: maker.dataKeys, host }
  const made = await authority.requestAuthority(change, of, changeContext(context), body?.anew === true)
  return made.ok ? done({ csr: made.value.csr }) : made
}
