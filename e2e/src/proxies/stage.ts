import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { createGuard, type ProxyDeclaration } from '@latchkey/guard'
import { protect } from '@latchkey/guard/node'
import { admin, freePorts, latchkey, mustBe, newDirectory, removeDirectory } from '../latchkey-process.ts'
import { startServe, type ServeProcess } from '../serve-process.ts'
import type { ProxyValues } from './proxy-process.ts'

const run = promisify(execFile)

export interface Identity {
  readonly cert: string
  readonly key: string
}

/** A client with what it proves itself by. */
export interface Client {
  readonly id: string
  readonly secret: string
  readonly identity: Identity
  /** Of the certificate, where it was issued. */
  readonly serial: string
}

/** A server of `latchkey serve` and an API with guard, both told of the one proxy that stands before them on 127.0.0.1. */
export interface Stage extends AsyncDisposable {
  readonly serve: ServeProcess
  /** `127.0.0.1:<port>` of what stands behind the proxy. */
  readonly upstreams: { readonly login: string; readonly api: string }
  /** Ports for the proxy. */
  readonly ports: { readonly login: number; readonly api: number }
  /** For the configuration of a proxy. */
  readonly values: ProxyValues
  /** What callers trust the proxy by, PEM. */
  readonly trust: string
  readonly directory: string
  createClient(authentication: 'secret' | 'secret-and-certificate' | 'mtls' | 'self-signed-mtls'): Promise<Client>
  revoke(serial: string): Promise<void>
  /** Reason and address of the latest refusal at the token endpoint. */
  latestRefusal(): Promise<Readonly<Record<string, unknown>>>
}

export const mtlsUrl = 'https://mtls.example.com'

const issuer = 'https://login.example.com'
const audience = 'https://configurations.example.com'

export async function setStage(headers: Pick<ProxyDeclaration, 'addressHeader' | 'certificateHeader'>): Promise<Stage> {
  await using started = new AsyncDisposableStack()
  const directory = newDirectory()
  started.defer(() => removeDirectory(directory))
  const config = path.join(directory, 'latchkey.config.yaml')
  const made = await latchkey(['init', '--config', config, '--issuer', issuer, '--drain-delay', '0', '--json'])
  if (made.code !== 0) throw new Error(made.stderr)
  appendFileSync(
    config,
    `\nmtls_url: ${mtlsUrl}\nproxies:\n  - networks: [127.0.0.1]\n    address_header: ${headers.addressHeader}\n    certificate_header: ${headers.certificateHeader}\n`,
  )
  const serve = await startServe(['--config', config])
  started.defer(() => serve.stop().then(() => undefined))
  const socket = serve.serving.admin_socket
  mustBe(
    201,
    await admin(socket, 'POST', '/resource-servers', {
      name: 'configurations',
      audience,
      scopes: [{ name: 'read', description: 'May read' }],
    }),
  )

  const origin = new URL(serve.serving.public).origin
  const guard = createGuard({
    issuer,
    audience,
    resourceServer: 'configurations',
    jwksUri: `${origin}/oauth2/jwks`,
    revocationsUri: `${origin}/oauth2/revocations`,
    proxies: [{ networks: ['127.0.0.1'], ...headers }],
  })
  started.use(guard)
  const api = createServer((request, response) => {
    void protect(guard, { scopes: ['configurations/read'] }, (_request, answer, { address }) => {
      answer.end(JSON.stringify({ address }))
    })(request, response)
  }).listen(0, '127.0.0.1')
  await once(api, 'listening')
  started.defer(() => {
    api.close()
    api.closeAllConnections()
  })

  const tls = await selfSigned(directory, 'tls', 'localhost')
  const files = { certificate: path.join(directory, 'tls.pem'), key: path.join(directory, 'tls.key') }
  writeFileSync(path.join(directory, 'both.pem'), tls.cert + tls.key, { mode: 0o600 })
  // The authority comes into being with its first certificate.
  const first = await admin<{ client_id: string }>(socket, 'POST', '/clients', clientOf('mtls'))
  mustBe(201, await admin(socket, 'POST', `/clients/${first.body.client_id}/certificates`, {}))
  const authority = path.join(directory, 'clients-ca.pem')
  writeFileSync(authority, await (await fetch(`${origin}/ca/chain.pem`)).text())
  const [loginPort = 0, apiPort = 0] = await freePorts(2)
  const upstreams = {
    login: new URL(origin).host,
    api: `127.0.0.1:${(api.address() as AddressInfo).port}`,
  }
  let count = 0
  const stack = started.move()
  return {
    serve,
    upstreams,
    ports: { login: loginPort, api: apiPort },
    trust: tls.cert,
    directory,
    values: {
      LATCHKEY_UPSTREAM: upstreams.login,
      API_UPSTREAM: upstreams.api,
      LOGIN_LISTEN: `127.0.0.1:${loginPort}`,
      API_LISTEN: `127.0.0.1:${apiPort}`,
      LOGIN_SITE: `localhost:${loginPort}`,
      API_SITE: `localhost:${apiPort}`,
      TLS_CERTIFICATE: files.certificate,
      TLS_KEY: files.key,
      TLS_PEM: path.join(directory, 'both.pem'),
      CLIENT_CA: authority,
    },
    async createClient(authentication) {
      const created = await admin<{ client_id: string; client_secret?: string }>(
        socket,
        'POST',
        '/clients',
        clientOf(authentication),
      )
      mustBe(201, created)
      const { client_id: id, client_secret: secret = '' } = created.body
      if (authentication === 'self-signed-mtls') {
        count += 1
        const identity = await selfSigned(directory, `client-${count}`, 'partner')
        mustBe(201, await admin(socket, 'POST', `/clients/${id}/registered-keys`, { certificate: identity.cert }))
        return { id, secret, identity, serial: '' }
      }
      if (authentication === 'secret') return { id, secret, identity: { cert: '', key: '' }, serial: '' }
      const issued = await admin<{ serial: string; certificate: string; chain: string; private_key: string }>(
        socket,
        'POST',
        `/clients/${id}/certificates`,
        {},
      )
      mustBe(201, issued)
      const { serial, certificate, chain, private_key: key } = issued.body
      return { id, secret, serial, identity: { cert: certificate + chain, key } }
    },
    async revoke(serial) {
      mustBe(200, await admin(socket, 'POST', `/certificates/${serial}/revoke`, {}))
    },
    async latestRefusal() {
      const list = await admin<{ items: { details: Record<string, unknown> }[] }>(
        socket,
        'GET',
        '/audit/events?event=token.denied&limit=1',
      )
      mustBe(200, list)
      return list.body.items[0]?.details ?? {}
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function clientOf(authentication: string): object {
  const bySecret = authentication.startsWith('secret') ? { show_secret: true } : {}
  return { name: 'Partner', scopes: ['configurations/read'], authentication, ...bySecret }
}

/** A key and a certificate by it, as `openssl` makes them. */
export async function selfSigned(directory: string, name: string, commonName: string): Promise<Identity> {
  mkdirSync(directory, { recursive: true })
  const [certificate, key] = [path.join(directory, `${name}.pem`), path.join(directory, `${name}.key`)]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const subject = ['-subj', `/CN=${commonName}`, '-addext', `subjectAltName=DNS:${commonName}`, '-days', '30']
  await run('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', certificate, ...subject])
  return { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
}
