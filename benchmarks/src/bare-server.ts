// The floor: what node:http and one ES256 signature cost, with nothing around them. No authentication, no policy, no audit. With an argument, the files of a
// certificate as JSON, it is node:https and asks for a certificate, of which it wants to know nothing.
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const header = encode({ alg: 'ES256', typ: 'at+jwt', kid: 'floor' })

const answerToken: RequestListener = (request, response) => {
  let body = ''
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString()
  })
  request.on('end', () => {
    const form = new URLSearchParams(body)
    const now = Math.floor(Date.now() / 1000)
    const clientId = form.get('client_id')
    const claims = {
      iss: 'http://127.0.0.1',
      sub: clientId,
      client_id: clientId,
      aud: 'https://api.example.com',
      iat: now,
      exp: now + 3600,
      jti: randomUUID(),
      scope: 'configurations/configurations.read',
    }
    const input = `${header}.${encode(claims)}`
    const token = `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
    const answer = JSON.stringify({ access_token: token, expires_in: 3600, token_type: 'Bearer', scope: claims.scope })
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'Content-Length': answer.length,
    })
    response.end(answer)
  })
}
const [, , files] = process.argv
const server = files === undefined ? createServer(answerToken) : createTlsServer(tlsOptions(files), answerToken)

function tlsOptions(json: string) {
  const { certificate, key: keyFile } = JSON.parse(json) as Record<'certificate' | 'key', string>
  return {
    cert: readFileSync(certificate),
    key: readFileSync(keyFile),
    ca: [],
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  }
}
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ port, clientId: 'client', clientSecret: 'secret' })}\n`)
})
process.on('SIGTERM', () => process.exit(0))
