import type { Generated } from 'kysely'

/** The tables as kysely sees them. Times are epoch milliseconds, booleans 0 or 1, JSON is text: the same on every backend. */
export interface Schema {
  resource_servers: {
    name: string
    audience: string
    exclusive: number
    token_ttl_seconds: number | null
    endpoint_rules: Generated<string>
    endpoint_rules_version: Generated<number>
    created_at: number
    updated_at: number
    revision: number
  }
  resource_server_scopes: { resource_server: string; name: string; description: string }
  clients: {
    client_id: string
    name: string
    kind: string
    resource_server: string | null
    state: string
    authentication: Generated<string>
    token_ttl_seconds: number | null
    contact_address: string | null
    created_at: number
    updated_at: number
    revision: number
  }
  network_policies: {
    client_id: string
    id: string
    version: number
    rules: string | null
    alerted_at: Generated<number | null>
  }
  client_scopes: { client_id: string; resource_server: string; scope: string; ends_at: number | null }
  credentials: {
    id: string
    reference: string
    client_id: string
    kind: string
    name: string
    generation: number
    digest: string | null
    digest_key_id: string | null
    parent_id: string | null
    created_at: number
    expires_at: number | null
    revoked_at: number | null
    last_used_at: number | null
  }
  revocations: {
    sequence: number
    kind: string
    subject: string
    minimum: number
    expires_at: number
    revoked_by: string | null
  }
  sequences: { name: string; value: number }
  idempotent_answers: { digest: string; sealed: string; expires_at: number }
  data_keys: { id: string; purpose: string; sealed: string; created_at: number }
  signing_keys: {
    kid: string
    purpose: string
    algorithm: string
    state: string
    public_jwk: string
    sealed_private_key: string
    data_key_id: string
    created_at: number
    activated_at: number | null
    retired_at: number | null
    revoked_at: number | null
  }
  audit_rows: {
    sequence: number
    at: number
    actor: string
    request_id: string
    event: string
    subject: string
    details: string
    key_id: string
    mac: string
  }
  audit_logs: {
    id: string
    host: string
    opened_at: number
    closed_at: number | null
    first_segment: number
    checkpoint: string | null
  }
  delivery_links: {
    id: string
    client_id: string
    client_name: string
    key_digest: string
    code_digest: string | null
    code_digest_key_id: string | null
    wrong_codes: number
    contact_address: string | null
    request_id: string | null
    secret_lifetime_seconds: number | null
    secret_name: string
    created_at: number
    created_by: string
    expires_at: number
    csr: string | null
    own_certificate: string | null
    claimed_at: number | null
    credential_id: string | null
    key_credential_id: string | null
    certificate_serial: string | null
    receipt_digest: string | null
    confirmed_at: number | null
    ended_at: number | null
    ending: string | null
    disowned_at: number | null
  }
  told_endings: { kind: string; subject: string; ends_at: number; threshold: number }
  access_requests: {
    id: string
    state: string
    revision: number
    contact_address: string
    contact_domain: string
    created_at: number
    submitted_at: number | null
    expires_at: number
    invitation_id: string | null
    content: string
  }
  access_request_keys: { digest: string; request_id: string; created_at: number }
  invitations: {
    id: string
    key_digest: string
    note: string | null
    created_at: number
    created_by: string
    expires_at: number
    max_uses: number | null
    uses: number
    revoked_at: number | null
  }
  certificate_authorities: {
    id: string
    kind: string
    certificate: string
    root: string
    published_as: string | null
    sealed_private_key: string
    data_key_id: string
    created_at: number
    not_after: number
    replaced_at: number | null
  }
  authority_requests: {
    id: string
    csr: string
    sealed_private_key: string
    data_key_id: string
    created_at: number
  }
  certificates: {
    serial: string
    client_id: string
    credential_id: string
    authority_id: string
    certificate: string
    thumbprint: string
    subject_uri: string
    not_before: number
    not_after: number
    created_at: number
    created_by: string
    revoked_at: number | null
    revocation_reason: string | null
  }
  registered_keys: { credential_id: string; public_key: string }
  registered_subjects: { credential_id: string; kind: string; subject: string; anchor: string }
  presences: { process_id: string; seen_at: number; uses_reported_until: number }
  notices: {
    id: string
    channel: string
    kind: string
    about: string
    sealed: string | null
    data_key_id: string
    created_at: number
    next_attempt_at: number
    attempts: number
    leased_until: Generated<number | null>
    sent_at: Generated<number | null>
    given_up_at: Generated<number | null>
    last_failure: Generated<string | null>
  }
  change_notices: { sequence: number; at: number; notice: string }
  usage_counters: { client_id: string; hour: number; granted: number; denied: number }
  recent_refusals: { client_id: string; at: number; request_id: string; reason: string; address: string }
}
