// The floor of gate: what node:http and verifying one ES256 signature cost, with nothing around them. No revocation, no rules, no addresses; of the claims it
// looks at `exp` alone. The key is its argument, a JWK.
import { createPublicKey, verify, type webcrypto } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const [, , jwk = ''] = process.argv
const key = createPublicKey({ key: JSON.parse(jwk) as webcrypto.JsonWebKey, format: 'jwk' })
const asEs256 = { key, dsaEncoding: 'ieee-p1363' } as const

function isGood(authorization: string | undefined): boolean {
  const token = authorization?.slice('Bearer '.length) ?? ''
  const end = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(end + 1), 'base64url')
  if (!verify('sha256', Buffer.from(token.slice(0, end)), asEs256, signature)) return false
  const payload = Buffer.from(token.slice(token.indexOf('.') + 1, end), 'base64url').toString()
  const { exp } = JSON.parse(payload) as { readonly exp: number }
  return exp > Date.now() / 1000
}

const server = createServer((request, response) => {
  response.writeHead(isGood(request.headers.authorization) ? 200 : 401, { 'Content-Length': 0 }).end()
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ port })}\n`)
})
process.on('SIGTERM', () => process.exit(0))
