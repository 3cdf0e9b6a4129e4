import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { Fault } from '../kernel/faults.ts'
import { postForm, send, startTestServer, type TestServer } from '../testing/start-test-server.ts'

let server: TestServer
afterEach(() => server.dispose())

const wholeRequest = (body: string, extra = '') =>
  `POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`

/** A connection that remembers what it read. */
function open(port: number): Promise<{ socket: Socket; text: () => string; ended: Promise<void> }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const ended = new Promise<void>((done) => socket.on('close', () => done()))
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.once('error', reject)
    socket.once('connect', () => resolve({ socket, text: () => text, ended }))
  })
}
const until = async (condition: () => boolean) => {
  for (let i = 0; i < 400 && !condition(); i++) await new Promise((wait) => setTimeout(wait, 10))
  expect(condition()).toBe(true)
}

describe('what is not HTTP', () => {
  test.each([
    ['garbage', 'hello\r\n\r\n', '400'],
    ['a header section without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}`, '431'],
    [
      'two lengths that differ',
      'POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc',
      '400',
    ],
    [
      'length and chunks together',
      'POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      '400',
    ],
  ])('%s → %s with a request id, and the connection ends', async (_, bytes, status) => {
    server = await startTestServer()
    const { socket, text, ended } = await open(server.publicPort)
    socket.write(bytes)
    await ended
    expect(text()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(text()).toMatch(/\r\nX-Request-Id: [0-9a-z]{26}\r\n/)
  })

  test('a body that is cut off harms nobody else', async () => {
    server = await startTestServer()
    const { socket } = await open(server.publicPort)
    socket.write(wholeRequest('grant_type=client_credentials').slice(0, -10))
    await new Promise((wait) => setTimeout(wait, 50))
    socket.destroy()
    expect((await send(`${server.issuer}/oauth2/jwks`)).status).toBe(200)
  })

  test('a second request on the same connection, sent together with the first, is answered in order', async () => {
    server = await startTestServer()
    const { socket, text } = await open(server.publicPort)
    socket.write(wholeRequest('grant_type=nonsense') + wholeRequest('x=y'))
    await until(() => text().split('HTTP/1.1 400').length === 3)
    expect(text().indexOf('unsupported_grant_type')).toBeLessThan(text().lastIndexOf('invalid_request'))
    socket.destroy()
  })
})

describe('ports', () => {
  test('in use: a fault that names port and setting, and everything is given back', async () => {
    server = await startTestServer()
    const attempt = startTestServer({ port: server.publicPort })
    await expect(attempt).rejects.toMatchObject({
      code: 'listener.port_in_use',
      remedy: expect.stringContaining('--port'),
    })
    await expect(attempt).rejects.toThrow(String(server.publicPort))
    await expect(attempt).rejects.toBeInstanceOf(Fault)
  })

  test('that this user may not use or that is no address of this machine', async () => {
    server = await startTestServer()
    await expect(startTestServer({ host: '192.0.2.1' })).rejects.toMatchObject({ code: 'listener.cannot_bind' })
  })
})

describe('drain', () => {
  test('a request under way is finished, a new one refused, and then the port is free', async () => {
    server = await startTestServer()
    await server.registerApi('configurations', ['read'])
    const { clientId, clientSecret } = await server.registerClient(['configurations/read'])
    const body = `grant_type=client_credentials&client_id=${clientId}&client_secret=${clientSecret}`
    const slow = await open(server.publicPort)
    const request = wholeRequest(body)
    slow.socket.write(request.slice(0, -20))
    const idle = await open(server.publicPort)
    idle.socket.write(`GET /oauth2/jwks HTTP/1.1\r\nHost: x\r\n\r\n`)
    await until(() => idle.text().includes('"keys"'))

    const began = performance.now()
    const stopped = server.stop()
    await idle.ended
    await expect(open(server.publicPort)).rejects.toThrow(/ECONNREFUSED/)
    slow.socket.write(request.slice(-20))
    await slow.ended
    await stopped
    expect(slow.text()).toMatch(/^HTTP\/1.1 200 OK/)
    expect(slow.text()).toMatch(/\r\nConnection: close\r\n/)
    expect(performance.now() - began).toBeLessThan(9000)
    server = await startTestServer()
  })
})

test('health and readiness, on the admin listener only', async () => {
  server = await startTestServer()
  expect((await send(`${server.adminUrl}/healthz`)).json()).toEqual({ status: 'ok' })
  const ready = await send(`${server.adminUrl}/readyz`)
  expect([ready.status, ready.json()]).toEqual([
    200,
    { status: 'ok', checks: { server: 'ok', database: 'ok', audit: 'ok' } },
  ])
  expect((await send(`${server.issuer}/healthz`)).status).toBe(404)
  expect((await send(`${server.adminUrl}/oauth2/token`)).status).toBe(404)
})

test('a data directory is used by one process at a time', async () => {
  server = await startTestServer()
  const again = startTestServer({
    dataDirectory: server.config.dataDirectory,
    database: server.config.database,
  })
  await expect(again).rejects.toMatchObject({
    code: 'data_directory.locked',
    remedy: expect.stringContaining('--data-dir'),
  })
  expect((await postForm(server.tokenEndpoint, 'grant_type=x')).status).toBe(400)
})
