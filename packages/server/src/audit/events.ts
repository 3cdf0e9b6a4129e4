import type { EpochMs } from '@latchkey/protocol'

/** Everything that an administrator can do, as the audit log names it. */
export const adminEventNames = [
  'installation.created',
  'resource_server.created',
  'resource_server.updated',
  'resource_server.deleted',
  'resource_server.credential_created',
  'client.created',
  'client.updated',
  'client.disabled',
  'client.enabled',
  'client.deleted',
  'secret.created',
  'secret.revoked',
  'link.created',
  'link.claimed',
  'link.confirmed',
  'link.undelivered',
  'link.disowned',
  'link.code_refused',
  'link.locked',
  'link.revoked',
  'request.submitted',
  'request.amended',
  'request.withdrawn',
  'request.changes_requested',
  'request.approval_noted',
  'request.approved',
  'request.rejected',
  'request.expired',
  'request.forgotten',
  'invitation.created',
  'invitation.revoked',
  'network.team_alerted',
  'authority.created',
  'authority.requested',
  'authority.installed',
  'certificate.issued',
  'certificate.revoked',
  'registered_key.created',
  'registered_key.revoked',
  'registered_subject.created',
  'registered_subject.revoked',
  'key.created',
  'key.activated',
  'key.retired',
  'key.revoked',
  'key.removed',
  'master_key.rotated',
  'token.issued_locally',
  'token.revoked',
  'declaration.applied',
  'audit.segment_expired',
  'backup.started',
  'backup.taken',
  'backup.restored',
] as const
export type AdminEventName = (typeof adminEventNames)[number]

/** One administrative event. `details` holds names, scopes and ids; never a secret, a digest or a token. */
export interface AdminEvent {
  readonly name: AdminEventName
  /** What it happened to: a client_id, a resource server's name, a credential id, a kid, a jti. */
  readonly subject: string
  readonly details: Readonly<Record<string, unknown>>
}

/** An administrative event as it is stored: numbered without gaps, chained by MAC to the row before. */
export interface AuditRow extends AdminEvent {
  readonly sequence: number
  readonly at: EpochMs
  readonly actor: string
  readonly requestId: string
  readonly keyId: string
  /** HMAC-SHA-256, base64url, over the previous row's MAC and this row's canonical form. */
  readonly mac: string
}
