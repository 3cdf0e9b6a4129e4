import type { Sample } from './sample.ts'

export const nodeCertificate: Sample = {
  id: 'mtls-node',
  title: 'Node.js, with a certificate',
  needs: 'Node 18 or newer',
  file: 'call.mjs',
  code: (tokenEndpoint) => `import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'

const { LATCHKEY_CLIENT_ID, LATCHKEY_CERT_FILE, LATCHKEY_KEY_FILE, API_URL } = process.env
const { LATCHKEY_MTLS_CA_FILE, API_CA_FILE } = process.env

/** Connections that show the certificate; the server is believed by \`file\` alone, where there is one. */
function connections(file) {
  const [cert, key] = [readFileSync(LATCHKEY_CERT_FILE), readFileSync(LATCHKEY_KEY_FILE)]
  return new Agent({ keepAlive: true, cert, key, ...(file ? { ca: readFileSync(file) } : {}) })
}

const toServer = connections(LATCHKEY_MTLS_CA_FILE)
const toApi = connections(API_CA_FILE)
let kept

function send(url, options, body) {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { timeout: 10_000, ...options }, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8')
      incoming.on('data', (chunk) => (text += chunk))
      incoming.on('end', () => resolve({ status: incoming.statusCode, text }))
      incoming.on('error', reject)
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')))
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** A token that lives for a minute at least; a new one only when there is none. */
async function token() {
  if (kept !== undefined && kept.until > Date.now()) return kept.value
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: LATCHKEY_CLIENT_ID })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const { status, text } = await send('${tokenEndpoint}', { method: 'POST', agent: toServer, headers }, form.toString())
  const answer = JSON.parse(text)
  if (status !== 200) throw new Error(\`\${answer.error}: \${answer.error_description}\`)
  kept = { value: answer.access_token, until: Date.now() + (answer.expires_in - 60) * 1000 }
  return kept.value
}

const { status, text } = await send(API_URL, { agent: toApi, headers: { authorization: \`Bearer \${await token()}\` } })
if (status !== 200) throw new Error(\`the API answered \${status}\`)
console.log(text)
toServer.destroy()
toApi.destroy()
`,
}
