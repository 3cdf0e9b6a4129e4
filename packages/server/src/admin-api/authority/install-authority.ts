import * as authority from '../../certificate-authority/replace-authority.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { authorityRecord } from './authority-record.ts'

/** `POST /authority/install`. Refuses with `authority.unsuitable`, `authority.not_requested`. */
export const installAuthority: Operation<'authorities', 'install'> = async (context, { body }) => {
  const { change, maker, issuer } = context.services
  const input = { certificate: body.certificate, root: body.root, privateKey: body.private_key }
  const at = changeContext(context)
  const installed = await authority.installAuthority(change, { dataKeys: maker.dataKeys, issuer }, at, input)
  return installed.ok ? done(authorityRecord(installed.value, issuer, false)) : installed
}
