import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGuard } from '@latchkey/guard'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  admin,
  mustBe,
  newDirectory,
  postForm,
  removeDirectory,
  startDev,
  type LatchkeyProcess,
} from './latchkey-process.ts'

/* What is said about addresses at the server, and what the example API makes of it: whole processes, on this machine. */

let directory: string
let server: LatchkeyProcess

beforeAll(async () => {
  directory = newDirectory()
  server = await startDev(path.join(directory, 'data'))
})

afterAll(async () => {
  await server.stop()
  removeDirectory(directory)
})

const here = { cidr: '127.0.0.0/8' }
const elsewhere = { cidr: '198.51.100.0/24' }

async function setNetwork(network: unknown): Promise<void> {
  const { demo, admin_socket: socket } = server.ready
  mustBe(200, await admin(socket, 'PATCH', `/clients/${demo.client_id}`, { network }))
}

async function token(parameters: Record<string, string> = {}): Promise<string> {
  const { token_endpoint: endpoint, demo } = server.ready
  const answer = await postForm<{ access_token: string }>(endpoint, demo, {
    grant_type: 'client_credentials',
    ...parameters,
  })
  mustBe(200, answer)
  return answer.body.access_token
}

async function callApi(bearer: string): Promise<{ readonly status: number; readonly code: unknown }> {
  const answer = await fetch(server.ready.demo.api, { headers: { authorization: `Bearer ${bearer}` } })
  const { code } = (await answer.json()) as { code?: unknown }
  return { status: answer.status, code }
}

test('the API holds to the policy in the token, and a narrowing ends what was there within a second', async () => {
  const before = await token()
  expect(await callApi(before)).toMatchObject({ status: 200 })
  await setNetwork({ allow: [elsewhere], covers: { token_endpoint: false, apis: [{ name: 'configurations' }] } })
  const changedAt = performance.now()
  while ((await callApi(before)).status !== 401 && performance.now() - changedAt < 5000) await sleep(20)
  expect(performance.now() - changedAt).toBeLessThan(1000)
  // One that is had afterwards is good, and not from here.
  const after = await token()
  expect(await callApi(after)).toEqual({ status: 403, code: 'address_not_allowed' })
  // Wider ends nothing: what was said in the token is said, and the next one says otherwise.
  await setNetwork({ allow: [elsewhere, here] })
  expect(await callApi(after)).toEqual({ status: 403, code: 'address_not_allowed' })
  expect(await callApi(await token())).toMatchObject({ status: 200 })
})

test('what is only reported, and what a policy does not cover, passes', async () => {
  const apis = (endpoints?: string[]) => [{ name: 'configurations', ...(endpoints && { endpoints }) }]
  await setNetwork({ mode: 'report', allow: [elsewhere], covers: { token_endpoint: false, apis: apis() } })
  expect(await callApi(await token())).toMatchObject({ status: 200 })
  const writing = ['POST /configurations/**', 'PUT /configurations/**']
  await setNetwork({ mode: 'enforce', covers: { token_endpoint: false, apis: apis(writing) } })
  expect(await callApi(await token())).toMatchObject({ status: 200 })
  await setNetwork({ covers: { token_endpoint: false, apis: apis(['GET /configurations/**']) } })
  expect(await callApi(await token())).toEqual({ status: 403, code: 'address_not_allowed' })
  await setNetwork(null)
  expect(await callApi(await token())).toMatchObject({ status: 200 })
})

test('guard asks for what a token only names, and for the rules of its API, and takes both as they are now', async () => {
  const { issuer, admin_socket: socket } = server.ready
  const make = async (name: string) =>
    mustBe(
      201,
      await admin(socket, 'POST', '/resource-servers', {
        name,
        audience: `urn:${name}`,
        scopes: ['read', 'write'].map((scope) => ({ name: scope, description: '' })),
        endpoint_rules: [
          { endpoint: 'GET /orders/**', scopes: ['read'] },
          { endpoint: 'POST /orders/**', scopes: ['write'], allowed_ip: true },
        ],
      }),
    )
  await make('orders')
  await make('stock')
  const credential = await admin<Credential>(socket, 'POST', '/resource-servers/orders/credentials')
  const partner = await admin<Credential>(socket, 'POST', '/clients', {
    name: 'Partner',
    scopes: ['orders/read', 'orders/write', 'stock/read'],
    show_secret: true,
    network: { allow: [here], covers: { token_endpoint: false, apis: [{ name: 'orders' }] } },
  })
  mustBe(201, partner)
  await using guard = createGuard({
    issuer,
    audience: 'urn:orders',
    resourceServer: 'orders',
    credential: { clientId: credential.body.client_id, clientSecret: credential.body.client_secret },
  })
  const byRules = guard.declare('rules')
  await guard.start()
  const tokenOf = async (scope?: string) => {
    const form = { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }
    const answer = await postForm<{ access_token: string }>(server.ready.token_endpoint, partner.body, form)
    mustBe(200, answer)
    return answer.body.access_token
  }
  const judge = async (bearer: string, method: string, address: string) => {
    const verdict = await guard.verify(
      {
        authorization: [`Bearer ${bearer}`],
        method,
        target: '/orders/7',
        connection: { address, certificate: undefined },
      },
      byRules,
    )
    return verdict.ok ? 'passes' : guard.refuse(verdict.refusal).status
  }
  // For two audiences: the token names the policy, and the guard asks what it means here.
  const both = await tokenOf()
  expect(await judge(both, 'POST', '127.0.0.1')).toBe('passes')
  expect(await judge(both, 'POST', '198.51.100.7')).toBe(403)
  expect(await judge(both, 'DELETE', '127.0.0.1')).toBe(403)
  expect(await judge(await tokenOf('orders/read stock/read'), 'POST', '127.0.0.1')).toBe(403)
  // Another list: the next token names a later version, which is asked for again.
  const route = `/clients/${partner.body.client_id}`
  mustBe(200, await admin(socket, 'PATCH', route, { network: { allow: [elsewhere] } }))
  const moved = await tokenOf()
  expect(await judge(moved, 'POST', '198.51.100.7')).toBe('passes')
  expect(await judge(moved, 'POST', '127.0.0.1')).toBe(403)
})

interface Credential {
  readonly client_id: string
  readonly client_secret: string
}
