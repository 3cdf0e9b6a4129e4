import type { Client, NetworkPolicy } from '@latchkey/admin-contract'
import { moment, record, type RecordEntry } from '../../output/layout.ts'

/** A client, one fact a line; what follows it stands in the same columns. */
export function clientRecord(client: Client, ...more: readonly RecordEntry[]): string {
  return record([
    ['client_id', client.client_id],
    ['name', client.name],
    ['state', client.state],
    ['authenticates by', methods[client.authentication]],
    ['scopes', client.scopes.map((scope) => withEnd(scope, client.scope_ends?.[scope]))],
    ['contact', client.contact_address],
    ['token lifetime', client.token_ttl_seconds === undefined ? undefined : `${client.token_ttl_seconds} s at most`],
    ...networkEntries(client.network),
    ['created', moment(client.created_at)],
    ['updated', moment(client.updated_at)],
    ['revision', String(client.revision)],
    ...more,
  ])
}

/** Where it may call from. */
export function networkEntries(network: NetworkPolicy | undefined): RecordEntry[] {
  if (network === undefined) return [['calls from', 'anywhere']]
  return [
    ['calls from', network.allow.map(({ cidr, note, ends_at: end }) => addressLine(cidr, note, end))],
    ['that is for', coverage(network)],
    ['network mode', network.mode === 'enforce' ? 'enforced' : 'reported only: other addresses pass'],
  ]
}

function addressLine(cidr: string, note: string | undefined, end: number | undefined): string {
  const parts = [note, end === undefined ? undefined : `until ${moment(end)}`].filter((part) => part !== undefined)
  return parts.length === 0 ? cidr : `${cidr} (${parts.join(', ')})`
}

function coverage({ covers }: NetworkPolicy): string | string[] {
  if (covers === undefined) return 'the token endpoint and every API'
  return [
    ...(covers.token_endpoint ? ['the token endpoint'] : []),
    ...covers.apis.flatMap(({ name, endpoints }) => endpoints?.map((endpoint) => `${name} ${endpoint}`) ?? [name]),
  ]
}

const methods: Readonly<Record<Client['authentication'], string>> = {
  secret: 'secret',
  'secret-and-certificate': 'secret, over a connection with its certificate',
  mtls: 'a certificate that was issued to it, or one with the name that is registered for it (tls_client_auth)',
  'self-signed-mtls': 'a certificate with a key that is registered for it (self_signed_tls_client_auth)',
}

function withEnd(scope: string, end: number | undefined): string {
  return end === undefined ? scope : `${scope} (until ${moment(end)})`
}
