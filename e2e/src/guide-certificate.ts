import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseKeyedLink } from '@latchkey/protocol'
import { admin, type Ready } from './latchkey-process.ts'

/** The environment of the guide's samples that have a certificate; its files are in this folder. */
export async function certificateEnvironment(ready: Ready, folder: string): Promise<Record<string, string>> {
  const { body: made } = await admin<{ client_id: string; delivery_link: string }>(
    ready.admin_socket,
    'POST',
    '/clients',
    { name: 'Guide', scopes: ['configurations/configurations.read'], authentication: 'mtls' },
  )
  const { id, key } = parseKeyedLink('claim', made.delivery_link) ?? {}
  const answer = await fetch(`${ready.issuer}/claim/${id}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key, make_key: true }),
  })
  const claimed = (await answer.json()) as {
    certificate: { certificate: string; chain: string; private_key: string }
    server_ca: string
  }
  const { certificate, chain, private_key: privateKey } = claimed.certificate
  const write = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text, { mode: 0o600 })
    return path.join(folder, name)
  }
  return {
    LATCHKEY_CLIENT_ID: made.client_id,
    LATCHKEY_CERT_FILE: write('client.pem', certificate + chain),
    LATCHKEY_KEY_FILE: write('client.key', privateKey),
    LATCHKEY_MTLS_CA_FILE: write('server-ca.pem', claimed.server_ca),
  }
}
