import { chmodSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request as plainRequest } from 'node:http'
import { Agent, request } from 'node:https'
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Duplex } from 'node:stream'
import { connect, TLSSocket, type ConnectionOptions } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start-test-server.ts'
import { makeCertificate, writeCertificate, type TestCertificate } from './certificate.test.support.ts'
import type { TlsFiles } from './server-certificate.ts'

let directory: string
let good: TestCertificate
let files: TlsFiles
let server: TestServer | undefined

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'latchkey-tls-'))
  good = await makeCertificate()
  files = writeCertificate(directory, good)
})
afterEach(async () => {
  await server?.dispose()
  server = undefined
  rmSync(directory, { recursive: true })
})

async function start(overrides: Parameters<typeof startTestServer>[0] = {}): Promise<TestServer> {
  server = await startTestServer({ tls: files, ...overrides })
  return server
}

/** A handshake; resolves with what was agreed on, or with the code of its failure. */
function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket | string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: good.certificate, ...options })
    socket.once('secureConnect', () => resolve(socket))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
}

async function fingerprint(port: number): Promise<string> {
  const socket = await handshake(port, { rejectUnauthorized: false })
  if (typeof socket === 'string') throw new Error(socket)
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

function get(url: string, ca: string): Promise<{ status: number; headers: object }> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ ca })
    request(url, { agent, servername: 'localhost' }, (response) => {
      response.resume().once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }))
    })
      .once('error', reject)
      .end()
  })
}

const until = async (condition: () => boolean | Promise<boolean>) => {
  for (let i = 0; i < 700 && !(await condition()); i++) await new Promise((wait) => setTimeout(wait, 10))
  expect(await condition()).toBe(true)
}

describe('an https listener', () => {
  test('serves what the plain one serves; a loopback admin listener stays plain, another gets the certificate', async () => {
    const { issuer, publicUrl, adminUrl } = await start()
    expect(publicUrl).toMatch(/^https:/)
    expect(issuer).toBe(publicUrl)
    expect((await get(`${publicUrl}/oauth2/jwks`, good.certificate)).status).toBe(200)
    expect(adminUrl).toMatch(/^http:/)
    await server?.dispose()
    const both = await start({ adminTls: files })
    expect((await get(`${both.adminUrl}/readyz`, good.certificate)).status).toBe(200)
  })

  test('speaks TLS 1.3 and 1.2 with forward secrecy, and nothing older or weaker', async () => {
    const { publicPort } = await start()
    const agreed = async (options: ConnectionOptions) => {
      const socket = await handshake(publicPort, options)
      if (typeof socket === 'string') return socket
      const found = [socket.getProtocol(), socket.alpnProtocol]
      socket.destroy()
      return found.join(' ')
    }
    expect(await agreed({ ALPNProtocols: ['h2', 'http/1.1'] })).toBe('TLSv1.3 http/1.1')
    expect(await agreed({ maxVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] })).toBe('TLSv1.2 http/1.1')
    // Which of both sides says no first depends on the OpenSSL of the client.
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
    expect(await agreed(old)).toMatch(/^ERR_SSL|ECONNRESET/)
    for (const ciphers of ['AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA']) {
      expect(await agreed({ maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` })).toMatch(/^ERR_SSL|ECONNRESET/)
    }
    expect(await agreed({ ALPNProtocols: ['h2'] })).toMatch(/^ERR_SSL/)
  })

  test('tells who speaks plain HTTP what is wrong, and goes on', async () => {
    const { publicPort, publicUrl } = await start()
    const answer = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      plainRequest(
        { port: publicPort, host: '127.0.0.1', method: 'POST', path: '/oauth2/token', agent: false },
        (response) => {
          let text = ''
          response.on('data', (chunk: Buffer) => (text += chunk.toString()))
          response.once('end', () => resolve({ status: response.statusCode, text }))
        },
      )
        .once('error', reject)
        .end('client_secret=lk_test_nothing')
    })
    expect(answer).toEqual({ status: 400, text: expect.stringMatching(/https/) as string })
    expect((await get(`${publicUrl}/oauth2/jwks`, good.certificate)).status).toBe(200)
  })

  test('a client hello that comes byte by byte is waited for', async () => {
    const { publicPort } = await start()
    const raw = connectSocket(publicPort, '127.0.0.1')
    await new Promise((resolve) => raw.once('connect', resolve))
    raw.setNoDelay(true)
    const slow = new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _, done) {
        void (async () => {
          for (const byte of chunk) {
            raw.write(Buffer.from([byte]))
            await new Promise((next) => setImmediate(next))
          }
          done()
        })()
      },
    })
    raw.on('data', (chunk: Buffer) => slow.push(chunk))
    const socket = await handshake(publicPort, { socket: slow })
    expect(socket).toBeInstanceOf(TLSSocket)
    raw.destroy()
  })

  test('a request under way is finished, however long after its handshake', async () => {
    const { publicPort } = await start()
    const socket = await handshake(publicPort)
    if (typeof socket === 'string') throw new Error(socket)
    let said = ''
    socket.setEncoding('utf8').on('data', (text: string) => (said += text))
    const head = 'POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n'
    socket.write(`${head}Content-Length: 3\r\n\r\n`)
    await new Promise((wait) => setTimeout(wait, 50))
    const stopped = server?.dispose()
    server = undefined
    await new Promise((wait) => setTimeout(wait, 1500))
    socket.write('a=b')
    await stopped
    expect(said).toMatch(/^HTTP\/1\.1 400 /)
  })

  test('connections that are silent or in the middle of a handshake do not hold up the end', async () => {
    const { publicPort } = await start()
    const bytes = [[], [0x16], [0x16, 3, 1]]
    const sockets = await Promise.all(
      bytes.map(async (first) => {
        const socket = connectSocket(publicPort, '127.0.0.1')
        socket.on('error', () => undefined)
        await new Promise((resolve) => socket.once('connect', resolve))
        if (first.length > 0) socket.write(Buffer.from(first))
        return { socket, ended: new Promise<void>((resolve) => socket.once('close', () => resolve())) }
      }),
    )
    await new Promise((wait) => setTimeout(wait, 50))
    const running = server
    server = undefined
    const began = performance.now()
    await running?.dispose()
    for (const { ended } of sockets) await ended
    expect(performance.now() - began).toBeLessThan(4000)
    const again = await handshake(publicPort)
    expect(again).toBe('ECONNREFUSED')
  })
})

describe('a certificate that is replaced', () => {
  test('is used for new connections soon, and for those that are open nothing changes', async () => {
    const { publicPort, logLines } = await start()
    const before = await fingerprint(publicPort)
    const open = await handshake(publicPort)
    if (typeof open === 'string') throw new Error(open)
    const next = await makeCertificate()
    // One after the other, as a renewal does: the pair in between does not fit.
    writeFileSync(files.certificate, next.certificate)
    await new Promise((wait) => setTimeout(wait, 100))
    writeFileSync(files.key, next.key)
    await until(async () => (await fingerprint(publicPort)) !== before)
    const answered = new Promise<string>((resolve) => open.once('data', (chunk: Buffer) => resolve(chunk.toString())))
    open.write('GET /oauth2/jwks HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(await answered).toMatch(/^HTTP\/1.1 200/)
    open.destroy()
    const messages = logLines.join('')
    expect(messages).toContain('the TLS certificate was replaced')
    expect(messages).not.toMatch(/PRIVATE KEY/)
  })

  test('through a link that is turned to another directory, as Kubernetes does', async () => {
    const next = await makeCertificate()
    const link = path.join(directory, 'current')
    const [one, two] = ['one', 'two'].map((name) => mkdtempSync(path.join(directory, name)))
    if (one === undefined || two === undefined) throw new Error('unreachable')
    writeCertificate(one, good)
    writeCertificate(two, next)
    symlinkSync(one, link)
    const linked = { certificate: path.join(link, 'chain.pem'), key: path.join(link, 'key.pem') }
    const { publicPort } = await start({ tls: linked })
    const before = await fingerprint(publicPort)
    symlinkSync(two, `${link}.new`)
    renameSync(`${link}.new`, link)
    await until(async () => (await fingerprint(publicPort)) !== before)
    expect(await handshake(publicPort, { ca: next.certificate })).toBeInstanceOf(TLSSocket)
  })

  test.each<[string, (files: TlsFiles) => Promise<void> | void]>([
    ['broken', ({ certificate }) => writeFileSync(certificate, 'not a certificate')],
    ['missing', ({ certificate }) => rmSync(certificate)],
    ['of another key', async ({ certificate }) => writeFileSync(certificate, (await makeCertificate()).certificate)],
    ['with a key for everybody', ({ key }) => chmodSync(key, 0o644)],
    [
      'expired',
      async ({ certificate, key }) => {
        const expired = await makeCertificate('2000-01-01', '2001-01-01')
        writeFileSync(certificate, expired.certificate)
        writeFileSync(key, expired.key)
      },
    ],
  ])('by one that is %s is refused and logged, and the old one stays until a good one comes', async (_, spoil) => {
    const running = await start()
    const before = await fingerprint(running.publicPort)
    await spoil(files)
    // What SIGHUP does.
    running.reloadCertificate()
    expect(running.logLines.filter((line) => line.includes('was refused'))).toHaveLength(1)
    expect(await fingerprint(running.publicPort)).toBe(before)
    writeCertificate(directory, await makeCertificate())
    running.reloadCertificate()
    expect(await fingerprint(running.publicPort)).not.toBe(before)
  })
})

describe('what cannot be used refuses the start: one line with the remedy, and nothing is made', () => {
  test.each<[string, (files: TlsFiles) => Promise<void> | void, RegExp, RegExp]>([
    ['no certificate', ({ certificate }) => rmSync(certificate), /cannot read the certificate/, /--tls-cert/],
    ['no key', ({ key }) => rmSync(key), /cannot read the private key/, /--tls-key/],
    ['garbage', ({ certificate }) => writeFileSync(certificate, 'x'), /is no certificate in PEM/, /--tls-cert/],
    ['a key that is none', ({ key }) => writeFileSync(key, 'SEKRET'), /is no private key in PEM/, /--tls-key/],
    [
      'the key of another certificate',
      async ({ key }) => writeFileSync(key, (await makeCertificate()).key),
      /is not that of the certificate/,
      /beside the certificate/,
    ],
    ['a key for everybody', ({ key }) => chmodSync(key, 0o604), /everybody may read the private key/, /^chmod o= /],
    [
      'an expired certificate',
      async ({ certificate, key }) => {
        const expired = await makeCertificate('2000-01-01', '2001-01-01')
        writeFileSync(certificate, expired.certificate)
        writeFileSync(key, expired.key)
      },
      /expired on 2001-01-01/,
      /renew it/,
    ],
    [
      'one that is not valid yet',
      async ({ certificate, key }) => {
        const early = await makeCertificate('2099-01-01')
        writeFileSync(certificate, early.certificate)
        writeFileSync(key, early.key)
      },
      /is not valid before 2099-01-01/,
      /clock/,
    ],
  ])('%s', async (_, spoil, message, remedy) => {
    await spoil(files)
    const dataDirectory = path.join(directory, 'data')
    const attempt = startTestServer({ tls: files, dataDirectory })
    await expect(attempt).rejects.toMatchObject({
      code: 'tls.unusable',
      message: expect.stringMatching(message) as string,
      remedy: expect.stringMatching(remedy) as string,
    })
    const error = (await attempt.catch((thrown: unknown) => thrown)) as Error
    expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toMatch(/\n.*SEKRET/)
  })

  test('a key that its group may read is usual', async () => {
    chmodSync(files.key, 0o640)
    const { publicPort } = await start()
    expect(await handshake(publicPort)).toBeInstanceOf(TLSSocket)
  })

  test('a certificate for another name is only worth a warning: a proxy may stand before it', async () => {
    const { logLines } = await start({ issuer: 'https://login.example.com' })
    expect(logLines.join('')).toContain('not made out to the host of the issuer')
    await server?.dispose()
    expect((await start({ issuer: 'https://localhost' })).logLines.join('')).not.toContain('not made out')
  })
})
