import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { send, startTestServer, type TestServer } from '../../testing/start-test-server.ts'

let server: TestServer
let script: string

beforeAll(async () => {
  server = await startTestServer({ issuer: 'http://127.0.0.1:9/auth' })
  const page = await send(`${server.publicUrl}/auth/claim/x`)
  script = /src="\.\/(pages\/claim-[^"]+\.js)"/.exec(page.text)?.[1] ?? ''
})

afterAll(() => server.dispose())

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  send(server.publicUrl + path, { headers, method })

describe('the files of the pages', () => {
  test('stand below the path of the issuer, and nowhere else', async () => {
    const page = await get('/auth/access-requests')
    expect(page.text).toContain('<base href="/auth/" />')
    expect((await get(`/auth/${script}`)).status).toBe(200)
    for (const path of [
      `/${script}`,
      '/claim/x',
      '/auth/claim',
      '/auth/pages/',
      '/auth/pages/.stamp',
      '/auth/pages/..%2f..%2fpackage.json',
    ])
      expect((await get(path)).status).toBe(404)
  })

  test('are kept for ever under their hashed names, and checked for by no one', async () => {
    const answer = await get(`/auth/${script}`)
    expect(answer.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'text/javascript; charset=utf-8',
      'x-content-type-options': 'nosniff',
    })
    expect((await get('/auth/icon.svg')).headers['cache-control']).toBe('public, max-age=3600')
  })

  test.each([
    ['br, gzip', 'br'],
    ['gzip, deflate', 'gzip'],
    ['br;q=0, gzip;q=0.5', 'gzip'],
    ['br;q=0.5', 'br'],
    ['gzip;q=0.000', undefined],
    ['identity', undefined],
    ['abr, xgzip', undefined],
    ['', undefined],
  ])('come in what the browser takes: %s', async (accepted, encoding) => {
    const answer = await get(`/auth/${script}`, accepted === '' ? {} : { 'Accept-Encoding': accepted })
    expect(answer.status).toBe(200)
    expect([answer.headers['content-encoding'], answer.headers['vary']]).toEqual([encoding, 'Accept-Encoding'])
  })

  test('take no other method', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await get(`/auth/${script}`, {}, method)
      expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD'])
    }
  })
})
