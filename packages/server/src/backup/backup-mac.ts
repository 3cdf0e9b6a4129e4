import type { DataKeys } from '../keys/data-keys.ts'

/** The MAC at the end of a backup, base64url: HMAC-SHA-256 over the SHA-256 of everything before the end. */
export function backupMac(dataKeys: DataKeys, keyId: string, contentSha256: Buffer): string {
  return dataKeys.hmac('audit-mac', keyId, 'latchkey backup\n', contentSha256).toString('base64url')
}
