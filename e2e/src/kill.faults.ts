// kill -9 under load, again and again on the same data: nothing that was answered may be lost.
import { randomInt } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import {
  admin,
  freePorts,
  latchkey,
  newDirectory,
  postForm,
  removeDirectory,
  startDev,
  type Ready,
} from './latchkey-process.ts'

const times = process.env['LATCHKEY_FAULTS'] === 'short' ? 3 : 20
const directory = newDirectory()
afterAll(() => {
  removeDirectory(directory)
})

interface Client {
  readonly client_id: string
  readonly client_secret: string
}

/** What the server has answered, and so must still know. */
interface Promised {
  readonly clients: Client[]
  readonly disabled: Set<string>
  /** Asked to be disabled; the answer may have been cut off, and then either state is right. */
  readonly toBeDisabled: Set<string>
  readonly granted: { readonly requestId: string; readonly token: string; readonly client: Client }[]
  readonly revoked: { readonly token: string; readonly client: Client }[]
}

test.each(['interval', 'answer'])(`audit sync %s: ${times} times`, { timeout: 600_000 }, async (sync) => {
  const ports = await freePorts(3)
  const data = `${directory}/${sync}`
  const promised: Promised = { clients: [], disabled: new Set(), toBeDisabled: new Set(), granted: [], revoked: [] }
  for (let round = 0; round < times; round++) {
    const server = await startDev(data, ports, ['--audit-sync', sync])
    const load = workUntilCutOff(server.ready, promised)
    await new Promise((resolve) => setTimeout(resolve, 150 + randomInt(600)))
    expect(await server.stop('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
    await load
  }
  expect(promised.granted.length).toBeGreaterThan(times * 10)
  expect(promised.revoked.length).toBeGreaterThan(times)
  expect(promised.clients.length).toBeGreaterThan(times)

  const server = await startDev(data, ports)
  await checkPromises(server.ready, promised)
  const verified = await latchkey(['audit', 'verify', '--json', '--data-dir', data])
  expect([verified.code, JSON.parse(verified.stdout)]).toEqual([0, expect.objectContaining({ intact: true })])
  await server.stop()
  console.log(
    `audit sync ${sync}: killed ${times} times; answered and kept: ${promised.granted.length} tokens, ` +
      `${promised.revoked.length} revocations, ${promised.clients.length} clients, ${promised.disabled.size} of them disabled`,
  )
})

/** Clients are made, used, disabled; tokens are issued and revoked; until the server is gone. Only what was answered is remembered. */
async function workUntilCutOff(ready: Ready, promised: Promised): Promise<void> {
  const scope = 'configurations/configurations.read'
  const makeClients = async () => {
    for (let i = 0; ; i++) {
      const made = await admin<Client>(ready.admin_socket, 'POST', '/clients', {
        name: `client ${i}`,
        scopes: [scope],
        show_secret: true,
      })
      expect(made.status).toBe(201)
      promised.clients.push(made.body)
      if (i % 3 === 2) {
        promised.toBeDisabled.add(made.body.client_id)
        const disabled = await admin(ready.admin_socket, 'POST', `/clients/${made.body.client_id}/disable`)
        expect(disabled.status).toBe(200)
        promised.disabled.add(made.body.client_id)
      }
    }
  }
  const useTokens = async () => {
    for (let i = 0; ; i++) {
      const enabled = promised.clients.filter((client) => !promised.toBeDisabled.has(client.client_id))
      const client = i % 2 === 0 ? ready.demo : (enabled[i % Math.max(1, enabled.length)] ?? ready.demo)
      const form = { grant_type: 'client_credentials' }
      const answer = await postForm<{ access_token: string }>(ready.token_endpoint, client, form)
      // A client may be disabled between the choice and the call; then it is refused, and nothing was promised.
      if (answer.status !== 200) continue
      const token = answer.body.access_token
      promised.granted.push({ requestId: answer.requestId, token, client })
      if (i % 5 === 4) {
        const revoked = await postForm(`${ready.issuer}/oauth2/revoke`, client, { token })
        if (revoked.status === 200) promised.revoked.push({ token, client })
      }
    }
  }
  await Promise.allSettled([makeClients(), useTokens(), useTokens(), useTokens(), useTokens()].map(untilGone))
}

/** Only the server's going away may end the work. */
async function untilGone(work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ECONNREFUSED' && code !== 'ECONNRESET' && code !== 'ENOENT' && code !== 'EPIPE') {
      if ((error as Error).message !== 'cut off') unexpected.push(error)
    }
  }
}
const unexpected: unknown[] = []

async function checkPromises(ready: Ready, promised: Promised): Promise<void> {
  expect(unexpected).toEqual([])
  for (const client of promised.clients) {
    const shown = await admin<{ state: string }>(ready.admin_socket, 'GET', `/clients/${client.client_id}`)
    if (promised.disabled.has(client.client_id)) expect(shown.body.state).toBe('disabled')
    if (promised.toBeDisabled.has(client.client_id)) continue
    const answer = await postForm(ready.token_endpoint, client, { grant_type: 'client_credentials' })
    expect([client.client_id, answer.status]).toEqual([client.client_id, 200])
  }
  const introspect = (client: Client, token: string) =>
    postForm<{ active: boolean }>(`${ready.issuer}/oauth2/introspect`, client, { token })
  for (const { token, client } of promised.revoked)
    expect((await introspect(client, token)).body).toEqual({ active: false })

  const recorded = new Set<string>()
  let cursor: string | undefined
  do {
    const query = `/audit/events?event=token.granted&limit=1000${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
    const page = await admin<{ items: { request_id: string }[]; next_cursor?: string }>(
      ready.admin_socket,
      'GET',
      query,
    )
    for (const entry of page.body.items) recorded.add(entry.request_id)
    cursor = page.body.next_cursor
  } while (cursor !== undefined)
  expect(promised.granted.filter(({ requestId }) => !recorded.has(requestId))).toEqual([])
}
