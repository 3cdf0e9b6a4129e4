import type { AccessRequestRecord } from '@latchkey/admin-contract'
import { moment, record, type RecordEntry } from '../../output/layout.ts'

/** A request as a reviewer reads it: what is proven stands beside what is only claimed. */
export function requestRecord(request: AccessRequestRecord): string {
  return record([
    ['id', request.id],
    ['state', request.state.replace('_', ' ')],
    ['revision', String(request.revision)],
    ['address', `${request.contact_address} (confirmed)`],
    ['domain', `${request.contact_domain} (confirmed)`],
    ['organisation', `${request.organisation} (claimed)`],
    ['contact', `${request.contact_name} (claimed)`],
    ['application', `${request.application_name} (${request.application_kind})`],
    ['for client', clientEntry(request.client)],
    ['environment', request.environment],
    ['purpose', lines(request.purpose)],
    ['scopes', request.scopes.map((scope) => scopeEntry(scope))],
    ['addresses', addressEntry(request.source_addresses)],
    ['authentication', request.authentication],
    ['key (SHA-256)', request.key_fingerprint],
    [
      'messages',
      request.messages.length === 0 ? undefined : request.messages.flatMap((message) => messageEntry(message)),
    ],
    ['approved by', approvalEntry(request)],
    ['submitted', moment(request.submitted_at)],
    ['waits until', moment(request.expires_at)],
    [
      'decided',
      request.decided_at === undefined ? undefined : `${moment(request.decided_at)} by ${request.decided_by}`,
    ],
    ['reason', request.reason === undefined ? undefined : lines(request.reason)],
    ['client_id', request.client_id],
    ['delivery', request.delivery === undefined ? undefined : `${request.delivery} (link ${request.link_id})`],
  ])
}

function clientEntry(client: AccessRequestRecord['client']): RecordEntry[1] {
  if (client === undefined) return undefined
  if (client.name === undefined) return `${client.client_id}, which does not exist`
  const whose = client.same_contact
    ? 'the same contact'
    : `its contact is ${client.contact_address ?? 'nobody'}: NOT the one who asks`
  return `${client.client_id} "${client.name}" (${whose})`
}

function scopeEntry({
  scope,
  description,
  why,
  decision,
  ends_at: end,
}: AccessRequestRecord['scopes'][number]): string {
  const decided = decision === 'pending' ? '' : ` [${decision}${end === undefined ? '' : ` until ${moment(end)}`}]`
  const reason = why === undefined || why.trim() === '' ? '' : ` — ${why.trim()}`
  return `${scope}${decided} (${description})${reason}`
}

function addressEntry(addresses: readonly string[]): RecordEntry[1] {
  if (addresses.length === 0) return undefined
  return addresses
}

function approvalEntry({ approvals, approvals_needed: needed }: AccessRequestRecord): RecordEntry[1] {
  if (needed === 1 || approvals.length === 0) return undefined
  return approvals.map(({ actor, at, scopes }) => `${actor} at ${moment(at)}: ${scopes.join(' ')}`)
}

function messageEntry({ at, from, actor, text }: AccessRequestRecord['messages'][number]): string[] {
  return [`${moment(at)} ${actor ?? from}:`, ...lines(text).map((line) => `  ${line}`)]
}

function lines(text: string): string[] {
  return text.trim().split(/\r\n?|\n/)
}
