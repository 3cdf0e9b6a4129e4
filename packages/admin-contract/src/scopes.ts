/** The name of Latchkey's own resource server: built in, and changed by nobody. */
export const adminResourceServer = 'latchkey'

/** The audience of administrators' tokens: a name, because an address would change with the port. */
export const adminAudience = 'urn:latchkey:admin'

/** What an administrator may be granted, each as `latchkey/<name>`. A scope named `….write` does not include its `….read`. */
export const adminScopes = {
  'resource-servers.read': 'See APIs and their scopes',
  'resource-servers.write': 'Register, change and remove APIs',
  'clients.read': 'See clients, what they are granted, and their secrets without the secrets themselves',
  'clients.write': 'Register, change, disable and remove clients',
  'secrets.write': 'Make and revoke secrets of clients and credentials of APIs',
  'requests.read': 'See access requests and invitations',
  'requests.write': 'Decide access requests, which makes clients and widens their access, and invite to them',
  'certificates.write': 'Issue certificates to clients, and revoke them',
  'tokens.read': 'Look into tokens',
  'tokens.write': 'Issue tokens for clients, and revoke tokens',
  'keys.read': 'See the public face of the signing keys and of the authority of certificates',
  'keys.write': 'Rotate and revoke signing keys, and bring and replace the authority of certificates',
  'audit.read': 'Read and verify the audit log',
  'server.read': 'See how the server is doing',
  'backup.read': 'Take backups',
  'declaration.read': 'Export the configuration, and plan changes of it',
  'declaration.write': 'Apply a configuration',
} as const

/** One scope of the admin API, without its prefix. */
export type AdminScope = keyof typeof adminScopes
