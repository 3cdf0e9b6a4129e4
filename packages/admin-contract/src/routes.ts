import type { AdminScope } from './scopes.ts'

export { adminResourceServer } from './scopes.ts'

/** Where the admin API stands, on every listener that serves it. */
export const adminPrefix = '/admin/v1'

/** Where an operation stands and who may call it. */
export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below {@link adminPrefix}. */
  readonly path: `/${string}`
  /** 200 when absent. */
  readonly successStatus?: 201
  /** What the caller's token must hold, as `latchkey/<scope>`; the local socket holds all. An operation without one cannot be written down. */
  readonly scope: AdminScope
  /** Whether it takes an `Idempotency-Key`: it makes something, so that repeating it would make two. */
  readonly idempotencyKey?: true
  /** Longest request body, in bytes, where it is more than any other operation's. */
  readonly maxBodyBytes?: number
}

/**
 * Method, path and scope of every operation. Without schemas, so that a client which only calls (the CLI) loads no validator to do so; the
 * contract is built on the same table.
 */
export const adminRoutes = {
  resourceServers: {
    create: {
      method: 'POST',
      path: '/resource-servers',
      successStatus: 201,
      scope: 'resource-servers.write',
      idempotencyKey: true,
    },
    list: { method: 'GET', path: '/resource-servers', scope: 'resource-servers.read' },
    get: { method: 'GET', path: '/resource-servers/{name}', scope: 'resource-servers.read' },
    update: { method: 'PATCH', path: '/resource-servers/{name}', scope: 'resource-servers.write' },
    delete: { method: 'DELETE', path: '/resource-servers/{name}', scope: 'resource-servers.write' },
    createCredential: {
      method: 'POST',
      path: '/resource-servers/{name}/credentials',
      successStatus: 201,
      scope: 'secrets.write',
      idempotencyKey: true,
    },
  },
  clients: {
    create: { method: 'POST', path: '/clients', successStatus: 201, scope: 'clients.write', idempotencyKey: true },
    list: { method: 'GET', path: '/clients', scope: 'clients.read' },
    get: { method: 'GET', path: '/clients/{client_id}', scope: 'clients.read' },
    update: { method: 'PATCH', path: '/clients/{client_id}', scope: 'clients.write' },
    delete: { method: 'DELETE', path: '/clients/{client_id}', scope: 'clients.write' },
    disable: { method: 'POST', path: '/clients/{client_id}/disable', scope: 'clients.write' },
    enable: { method: 'POST', path: '/clients/{client_id}/enable', scope: 'clients.write' },
    test: { method: 'POST', path: '/clients/{client_id}/test', scope: 'clients.read' },
  },
  secrets: {
    add: {
      method: 'POST',
      path: '/clients/{client_id}/secrets',
      successStatus: 201,
      scope: 'secrets.write',
      idempotencyKey: true,
    },
    list: { method: 'GET', path: '/clients/{client_id}/secrets', scope: 'clients.read' },
    revoke: { method: 'POST', path: '/secrets/{id}/revoke', scope: 'secrets.write' },
  },
  links: {
    create: {
      method: 'POST',
      path: '/clients/{client_id}/links',
      successStatus: 201,
      scope: 'secrets.write',
      idempotencyKey: true,
    },
    list: { method: 'GET', path: '/links', scope: 'clients.read' },
    revoke: { method: 'POST', path: '/links/{id}/revoke', scope: 'secrets.write' },
  },
  requests: {
    list: { method: 'GET', path: '/requests', scope: 'requests.read' },
    get: { method: 'GET', path: '/requests/{id}', scope: 'requests.read' },
    approve: { method: 'POST', path: '/requests/{id}/approve', scope: 'requests.write', idempotencyKey: true },
    ask: { method: 'POST', path: '/requests/{id}/ask', scope: 'requests.write' },
    reject: { method: 'POST', path: '/requests/{id}/reject', scope: 'requests.write' },
  },
  invitations: {
    create: {
      method: 'POST',
      path: '/invitations',
      successStatus: 201,
      scope: 'requests.write',
      idempotencyKey: true,
    },
    list: { method: 'GET', path: '/invitations', scope: 'requests.read' },
    revoke: { method: 'POST', path: '/invitations/{id}/revoke', scope: 'requests.write' },
  },
  authorities: {
    show: { method: 'GET', path: '/authority', scope: 'keys.read' },
    request: { method: 'POST', path: '/authority/request', scope: 'keys.write' },
    install: { method: 'POST', path: '/authority/install', scope: 'keys.write' },
    rotate: { method: 'POST', path: '/authority/rotate', scope: 'keys.write' },
  },
  certificates: {
    issue: {
      method: 'POST',
      path: '/clients/{client_id}/certificates',
      successStatus: 201,
      scope: 'certificates.write',
      idempotencyKey: true,
    },
    list: { method: 'GET', path: '/certificates', scope: 'clients.read' },
    renew: {
      method: 'POST',
      path: '/certificates/{serial}/renew',
      successStatus: 201,
      scope: 'certificates.write',
      idempotencyKey: true,
    },
    revoke: { method: 'POST', path: '/certificates/{serial}/revoke', scope: 'certificates.write' },
  },
  registeredKeys: {
    create: {
      method: 'POST',
      path: '/clients/{client_id}/registered-keys',
      successStatus: 201,
      scope: 'certificates.write',
      idempotencyKey: true,
    },
    revoke: { method: 'POST', path: '/registered-keys/{id}/revoke', scope: 'certificates.write' },
  },
  registeredSubjects: {
    create: {
      method: 'POST',
      path: '/clients/{client_id}/registered-subjects',
      successStatus: 201,
      scope: 'certificates.write',
      idempotencyKey: true,
      maxBodyBytes: 128 * 1024,
    },
    revoke: { method: 'POST', path: '/registered-subjects/{id}/revoke', scope: 'certificates.write' },
  },
  tokens: {
    get: { method: 'POST', path: '/tokens/get', scope: 'tokens.write' },
    inspect: { method: 'POST', path: '/tokens/inspect', scope: 'tokens.read' },
    revoke: { method: 'POST', path: '/tokens/revoke', scope: 'tokens.write' },
  },
  keys: {
    list: { method: 'GET', path: '/keys', scope: 'keys.read' },
    rotate: { method: 'POST', path: '/keys/rotate', scope: 'keys.write' },
    revoke: { method: 'POST', path: '/keys/{kid}/revoke', scope: 'keys.write' },
  },
  audit: {
    list: { method: 'GET', path: '/audit/events', scope: 'audit.read' },
    verify: { method: 'POST', path: '/audit/verify', scope: 'audit.read' },
  },
  declaration: {
    plan: { method: 'POST', path: '/declaration/plan', scope: 'declaration.read', maxBodyBytes: 8 * 1024 * 1024 },
    apply: { method: 'POST', path: '/declaration/apply', scope: 'declaration.write', maxBodyBytes: 8 * 1024 * 1024 },
    export: { method: 'GET', path: '/declaration', scope: 'declaration.read' },
  },
  server: {
    doctor: { method: 'GET', path: '/doctor', scope: 'server.read' },
    status: { method: 'GET', path: '/status', scope: 'server.read' },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, AdminRoute>>>>

/** `GET /backup`, whose answer is a stream and no JSON: beside the operations, with the same prefix and the same way in. */
export const backupRoute = { method: 'GET', path: '/backup', scope: 'backup.read' } as const satisfies AdminRoute
