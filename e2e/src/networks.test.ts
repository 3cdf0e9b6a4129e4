import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
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
