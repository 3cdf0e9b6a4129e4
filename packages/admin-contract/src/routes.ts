/** Where the admin API stands, on every listener that serves it. */
export const adminPrefix = '/admin/v1'

/**
 * Method and path of every operation, below {@link adminPrefix}. Without schemas, so that a client which only calls (the CLI) loads no
 * validator to do so; the contract is built on the same table.
 */
export const adminRoutes = {
  resourceServers: {
    create: { method: 'POST', path: '/resource-servers', successStatus: 201 },
    list: { method: 'GET', path: '/resource-servers' },
    get: { method: 'GET', path: '/resource-servers/{name}' },
    update: { method: 'PATCH', path: '/resource-servers/{name}' },
    delete: { method: 'DELETE', path: '/resource-servers/{name}' },
    createCredential: { method: 'POST', path: '/resource-servers/{name}/credentials', successStatus: 201 },
  },
  clients: {
    create: { method: 'POST', path: '/clients', successStatus: 201 },
    list: { method: 'GET', path: '/clients' },
    get: { method: 'GET', path: '/clients/{client_id}' },
    update: { method: 'PATCH', path: '/clients/{client_id}' },
    delete: { method: 'DELETE', path: '/clients/{client_id}' },
    disable: { method: 'POST', path: '/clients/{client_id}/disable' },
    enable: { method: 'POST', path: '/clients/{client_id}/enable' },
    test: { method: 'POST', path: '/clients/{client_id}/test' },
  },
  secrets: {
    add: { method: 'POST', path: '/clients/{client_id}/secrets', successStatus: 201 },
    list: { method: 'GET', path: '/clients/{client_id}/secrets' },
    revoke: { method: 'POST', path: '/secrets/{id}/revoke' },
  },
  tokens: {
    get: { method: 'POST', path: '/tokens/get' },
    inspect: { method: 'POST', path: '/tokens/inspect' },
    revoke: { method: 'POST', path: '/tokens/revoke' },
  },
  keys: {
    list: { method: 'GET', path: '/keys' },
  },
  audit: {
    list: { method: 'GET', path: '/audit/events' },
    verify: { method: 'POST', path: '/audit/verify' },
  },
  server: {
    doctor: { method: 'GET', path: '/doctor' },
    status: { method: 'GET', path: '/status' },
  },
} as const
