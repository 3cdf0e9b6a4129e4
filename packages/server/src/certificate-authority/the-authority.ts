import type { EpochMs } from '@latchkey/protocol'
import type { AdminEvent } from '../audit/events.ts'
import type { Authority } from './authority.ts'
import { makeIntermediate, makeRoot, type AuthorityMaker } from './make-authority.ts'
import type { CertificateWrites } from './ports.ts'

/** What the first authority is published as, whoever made it. */
export const firstPublishedName = 'clients'

/** The authority that signs; made, and recorded, when there is none yet. Two servers at the same moment make one between them. */
export async function theAuthority(
  certificates: CertificateWrites,
  maker: AuthorityMaker,
  now: EpochMs,
): Promise<{ readonly authority: Authority; readonly parts: readonly AdminEvent[] }> {
  const known = await certificates.authority()
  if (known !== undefined) return { authority: known, parts: [] }
  const root = await makeRoot(maker, now)
  const authority = await makeIntermediate(maker, root, firstPublishedName, now)
  await certificates.insertRoot(root)
  await certificates.insertAuthority(authority)
  const details = { root: root.id, intermediate: authority.id }
  return { authority, parts: [{ name: 'authority.created', subject: root.id.slice(0, 32), details }] }
}
