import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isHere } from './guide-samples.ts'
import { admin, newDirectory, removeDirectory, startDev, type LatchkeyProcess } from './latchkey-process.ts'
import { authorityLines, certificateMaker, hasOpenssl, type Certified } from './openssl-certificates.ts'

/*
 * Clients as they are: curl and Java, each with a certificate that was issued here, with one of its own making, and with one of its company's authority. Both choose what they send by
 * the authorities that a server names in the handshake; this one names none.
 */

const run = promisify(execFile)
const scope = 'configurations/configurations.read'
const [opensslIsThere, curlIsThere, javaIsThere] = [
  await hasOpenssl(),
  await isHere('curl', '--version'),
  (await isHere('javac', '-version')) && (await isHere('keytool', '-help')),
]

let directory: string
let server: LatchkeyProcess<{
  readonly issuer: string
  readonly mtls_token_endpoint: string
  readonly admin_socket: string
}>
let rootFile: string
let issued: Client
let selfSigned: Client
let foreign: Client

interface Client {
  readonly clientId: string
  readonly certificateFile: string
  readonly keyFile: string
  readonly pkcs12File: string
}

const password = 'changeit-please'

beforeAll(async () => {
  if (!opensslIsThere) return
  directory = newDirectory()
  server = (await startDev(path.join(directory, 'data'))) as unknown as typeof server
  rootFile = path.join(directory, 'data', 'mtls', 'root.pem')
  const folder = path.join(directory, 'certificates')
  mkdirSync(folder)
  const maker = certificateMaker(folder)
  issued = await issue(maker, folder)
  selfSigned = await register(maker, folder)
  foreign = await registerSubject(maker, folder)
}, 120_000)
afterAll(async () => {
  if (!opensslIsThere) return
  await server.stop()
  removeDirectory(directory)
})

async function post<Body>(route: string, body: object): Promise<Body> {
  const answer = await admin<Body>(server.ready.admin_socket, 'POST', route, body)
  if (answer.status !== 201) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

const createClient = async (authentication: string) =>
  (await post<{ client_id: string }>('/clients', { name: 'partner', scopes: [scope], authentication })).client_id

async function packed(clientId: string, { certificateFile, keyFile }: Certified, chain?: Certified): Promise<Client> {
  const pkcs12File = certificateFile.replace(/\.pem$/, '.p12')
  const more = chain === undefined ? [] : ['-certfile', chain.certificateFile]
  const files = ['-in', certificateFile, '-inkey', keyFile, ...more, '-out', pkcs12File]
  await run('openssl', ['pkcs12', '-export', ...files, '-passout', `pass:${password}`, '-name', path.basename(keyFile)])
  return { clientId, certificateFile, keyFile, pkcs12File }
}

async function issue(maker: ReturnType<typeof certificateMaker>, folder: string): Promise<Client> {
  const clientId = await createClient('mtls')
  const { csr, keyFile } = await maker.request('issued')
  const made = await post<{ certificate: string; chain: string }>(`/clients/${clientId}/certificates`, { csr })
  const certificateFile = path.join(folder, 'issued.pem')
  writeFileSync(certificateFile, made.certificate + made.chain)
  return packed(clientId, { certificateFile, keyFile, certificate: made.certificate, key: '' })
}

async function register(maker: ReturnType<typeof certificateMaker>, _folder: string): Promise<Client> {
  const clientId = await createClient('self-signed-mtls')
  const own = await maker.make('own', 'basicConstraints=critical,CA:FALSE\n')
  await post(`/clients/${clientId}/registered-keys`, { certificate: own.certificate })
  return packed(clientId, own)
}

async function registerSubject(maker: ReturnType<typeof certificateMaker>, _folder: string): Promise<Client> {
  const clientId = await createClient('mtls')
  const anchor = await maker.make('company', authorityLines)
  const intermediate = await maker.make('clients', authorityLines, anchor)
  const lines = 'subjectAltName=DNS:billing.acme.example\nextendedKeyUsage=clientAuth\n'
  const leaf = await maker.make('foreign', lines, intermediate)
  await post(`/clients/${clientId}/registered-subjects`, {
    san_dns: 'billing.acme.example',
    anchor: anchor.certificate,
  })
  const client = await packed(clientId, leaf, intermediate)
  writeFileSync(leaf.certificateFile, leaf.certificate + intermediate.certificate)
  return client
}

const kinds = [
  ['issued here', () => issued],
  ['of its own making', () => selfSigned],
  ['of its company’s authority', () => foreign],
] as const

describe.skipIf(!opensslIsThere || !curlIsThere)('curl', () => {
  const call = async ({ clientId }: Client, ...identity: string[]): Promise<string> => {
    const form = ['-d', 'grant_type=client_credentials', '-d', `client_id=${clientId}`]
    const args = ['-sS', '--cacert', rootFile, '-w', '\n%{http_code}', ...identity, ...form]
    const { stdout } = await run('curl', [...args, server.ready.mtls_token_endpoint])
    return stdout.slice(stdout.lastIndexOf('\n') + 1)
  }

  test.each(kinds)(
    'with a certificate %s, in PEM and as PKCS #12, over TLS 1.2 and 1.3; with none, refused',
    async (_kind, get) => {
      const client = get()
      const pem = ['--cert', client.certificateFile, '--key', client.keyFile]
      const pkcs12 = ['--cert-type', 'P12', '--cert', `${client.pkcs12File}:${password}`]
      for (const version of [['--tlsv1.3'], ['--tls-max', '1.2']]) {
        expect(await call(client, ...pem, ...version)).toBe('200')
        expect(await call(client, ...pkcs12, ...version)).toBe('200')
        expect(await call(client, ...version)).toBe('401')
        // Another's certificate.
        for (const [, other] of kinds) {
          const { certificateFile, keyFile } = other()
          const expected = other() === client ? '200' : '401'
          expect(await call(client, '--cert', certificateFile, '--key', keyFile, ...version)).toBe(expected)
        }
      }
    },
  )
})

/** HttpClient with one keystore: what it sends is chosen by the JDK, among all that is in there. */
const source = `
import java.io.FileInputStream;
import java.net.URI;
import java.net.http.*;
import java.nio.file.*;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.*;

public class Call {
  public static void main(String[] args) throws Exception {
    char[] password = args[3].toCharArray();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (var in = new FileInputStream(args[2])) { keys.load(in, password); }
    KeyManagerFactory own = KeyManagerFactory.getInstance("NewSunX509");
    own.init(keys, password);
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    try (var in = new FileInputStream(args[1])) {
      trusted.setCertificateEntry("server", CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(own.getKeyManagers(), trust.getTrustManagers(), null);
    SSLParameters parameters = new SSLParameters();
    parameters.setProtocols(new String[] { args[5] });
    HttpClient client = HttpClient.newBuilder().sslContext(context).sslParameters(parameters).version(HttpClient.Version.HTTP_1_1).build();
    for (int i = 0; i < 2; i++) {
      HttpResponse<String> answer = client.send(HttpRequest.newBuilder(URI.create(args[0]))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .POST(HttpRequest.BodyPublishers.ofString("grant_type=client_credentials&client_id=" + args[4])).build(),
        HttpResponse.BodyHandlers.ofString());
      System.out.println(answer.statusCode());
    }
  }
}
`

describe.skipIf(!opensslIsThere || !javaIsThere)('Java’s HttpClient', () => {
  let classes: string
  beforeAll(async () => {
    classes = path.join(directory, 'java')
    mkdirSync(classes)
    writeFileSync(path.join(classes, 'Call.java'), source)
    await run('javac', ['-d', classes, path.join(classes, 'Call.java')])
  }, 120_000)

  const call = async (clientId: string, file: string, version: string): Promise<string[]> => {
    const args = [server.ready.mtls_token_endpoint, rootFile, file, password, clientId, version]
    return (await run('java', ['-cp', classes, 'Call', ...args])).stdout.trim().split('\n')
  }

  /** One keystore with these, in this order. */
  async function keystore(name: string, clients: readonly Client[]): Promise<string> {
    const file = path.join(directory, name)
    for (const { pkcs12File } of clients) {
      const from = ['-srckeystore', pkcs12File, '-srcstoretype', 'PKCS12', '-srcstorepass', password]
      const to = ['-destkeystore', file, '-deststoretype', 'PKCS12', '-deststorepass', password]
      await run('keytool', ['-importkeystore', '-noprompt', ...from, ...to])
    }
    return file
  }

  test.each(kinds)('with a certificate %s, over TLS 1.2 and 1.3', async (_kind, get) => {
    const { clientId, pkcs12File } = get()
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      expect(await call(clientId, pkcs12File, version)).toEqual(['200', '200'])
      expect(await call('nobody', pkcs12File, version)).toEqual(['401', '401'])
    }
  })

  test('with several in one keystore it sends one of them, whatever kind: no authority is named, so none is ruled out', async () => {
    const all = await keystore('all.p12', [issued, selfSigned, foreign])
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
      const outcomes = await Promise.all(
        kinds.map(async ([, get]) => (await call(get().clientId, all, version)).join(' ')),
      )
      // The same one each time: its client gets in, and the others do not by it.
      expect(outcomes.toSorted()).toEqual(['200 200', '401 401', '401 401'])
    }
    const two = await keystore('two.p12', [selfSigned, foreign])
    const byTwo = await Promise.all([selfSigned, foreign].map(({ clientId }) => call(clientId, two, 'TLSv1.3')))
    expect(byTwo.flat().toSorted()).toEqual(['200', '200', '401', '401'])
    expect(readFileSync(all).length).toBeGreaterThan(readFileSync(two).length)
  })
})
