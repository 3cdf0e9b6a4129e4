import type { DataKeys } from '../keys/data-keys.ts'
import type { AuditRow } from './events.ts'

/** The MAC before the first row. */
export const emptyChain = ''

/** Chains one audit row to the row before it. */
export function chainRow(dataKeys: DataKeys, previousMac: string, row: Omit<AuditRow, 'mac'>): string {
  const { sequence, at, actor, requestId, name, subject, details, keyId } = row
  const canonical = JSON.stringify([previousMac, sequence, at, actor, requestId, name, subject, details, keyId])
  return dataKeys.hmac('audit-mac', keyId, 'latchkey audit row\n', canonical).toString('base64url')
}
