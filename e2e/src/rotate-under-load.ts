import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createGuard, type Guard, type RouteRequirement } from '@latchkey/guard'
import {
  createClient,
  createLogger,
  createResourceServer,
  developmentConfig,
  newRequestId,
  startServer,
  systemRandom,
  type Clock,
  type RunningServer,
} from '@latchkey/server'

/*
 * Scheduled rotations of the signing keys of a real server, with token requests all the while, seen by real verifiers on the same clock, which the
 * test advances. Each rotation is judged by verifiers at the end of what they may keep: one whose copy of the keys is nearly a day old
 * when the new key signs its first token, and one whose copy is as old when the last token of the old key is about to expire. Both can ask nobody.
 */

export interface RotationFigures {
  readonly rotations: number
  readonly tokens: number
  readonly verifications: number
  /** Kids that signed, in order. */
  readonly kids: readonly string[]
  /** Reasons of whatever was refused. */
  readonly refused: readonly string[]
}

const dayMs = 86_400_000
const audience = 'urn:shop'

/** The longest that a guard can be told to rely on what it knows, in seconds. */
const maxCacheAgeSeconds = 86_400

/** How long a token of the test lives, in milliseconds: as long as one can. */
const tokenLifeMs = dayMs

/** A verifier that can be cut off from its issuer. */
interface Verifier {
  verify(token: string): Promise<string | undefined>
  cutOff(): void
  close(): Promise<void>
}

/** Rotates `rotations` times, every two days of the clock. */
export async function rotateUnderLoad(rotations: number): Promise<RotationFigures> {
  let now = Date.UTC(2026, 10, 23, 12)
  const clock: Clock = { now: () => now as ReturnType<Clock['now']>, elapsed: () => now }
  const random = systemRandom()
  const directory = mkdtempSync(path.join(os.tmpdir(), 'latchkey-rotation-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => {
    rmSync(directory, { recursive: true, force: true })
  })
  const settings = { data_dir: path.join(directory, 'data'), environment: 'test', key_rotation_days: 2 }
  const server = await startServer(
    { ...developmentConfig(settings), port: 0, adminPort: 0, apiPort: 0 },
    { clock, random, logger: createLogger('silent'), version: '0.0.0-test' },
  )
  stack.defer(() => server.stop())
  const { services } = server
  const context = () => ({ actor: 'test', requestId: newRequestId(random, clock.now()), now: clock.now() })
  const scopes = [{ name: 'read', description: 'May read' }]
  const shop = { name: 'shop', audience, scopes, exclusive: false, tokenTtlSeconds: tokenLifeMs / 1000 }
  await createResourceServer(services.change, context(), shop)
  const input = { name: 'Load', scopes: ['shop/read'], tokenTtlSeconds: tokenLifeMs / 1000 }
  type Input = Parameters<typeof createClient>[3]
  const client = await createClient(services.change, services.maker, context(), input as unknown as Input)
  if (!client.ok) throw new Error(client.refusal.message)
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: client.value.client.clientId,
    client_secret: client.value.clientSecret,
  })

  const kids: string[] = []
  const refused: string[] = []
  let tokens = 0
  let verifications = 0

  async function requestToken(): Promise<string> {
    const answer = await fetch(server.tokenEndpoint, { method: 'POST', body })
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    const { access_token: token } = (await answer.json()) as { access_token: string }
    tokens++
    return token
  }

  const requestTokens = (count: number): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, () => requestToken()))

  async function judge(when: string, verifier: Verifier, judged: readonly string[]): Promise<void> {
    for (const token of judged) {
      verifications++
      const reason = await verifier.verify(token)
      if (reason !== undefined) refused.push(`${when}: ${reason}`)
    }
  }

  let due = now + 2 * dayMs
  for (let rotation = 1; rotation <= rotations; rotation++) {
    // Nearly a day before the rotation: the last time that this verifier hears of keys.
    now = due - maxCacheAgeSeconds * 1000 + 2000
    const early = await verifierOf(server, () => now)
    early.cutOff()

    // The last moment of the old key.
    now = due - 1000
    const late = await verifierOf(server, () => now)
    late.cutOff()
    const last = await requestTokens(10)
    await judge('old key, copy a day old', early, last)
    await judge('old key', late, last)

    // The rotation, seen by several at once, among requests.
    now = due
    const among = requestTokens(20)
    await Promise.all([services.keys.keepSchedule(), services.keys.keepSchedule()])
    const first = [...(await among), ...(await requestTokens(20))]
    await judge('new key, copy a day old', early, first)
    await judge('new key', late, first)
    const active = services.keys.all().find(({ state }) => state === 'active')
    kids.push(active?.kid ?? 'none')

    // Just before the last token of the old key expires, with a copy of the keys from when it was issued, and with a fresh one.
    now = due - 1000 + tokenLifeMs - 1000
    await services.keys.keepSchedule()
    const fresh = await verifierOf(server, () => now)
    await judge('old key, token at its end, copy a day old', late, last)
    await judge('old key, token at its end', fresh, last)
    await judge('new key, token at its end', fresh, first)
    await Promise.all([early.close(), late.close(), fresh.close()])
    due += 2 * dayMs
  }
  return { rotations, tokens, verifications, kids, refused }
}

/** A guard that has just heard all that there is, and keeps it as long as a guard can. */
async function verifierOf(server: RunningServer, now: () => number): Promise<Verifier> {
  await isCurrent(server, now())
  const cut = new AbortController()
  const guard: Guard = createGuard({
    issuer: server.issuer,
    audience,
    resourceServer: 'shop',
    clockToleranceSeconds: 0,
    keys: { maxStalenessSeconds: maxCacheAgeSeconds, maxFreshnessSeconds: maxCacheAgeSeconds },
    revocations: { maxStalenessSeconds: maxCacheAgeSeconds },
    now,
    fetch: (url, init) => {
      const signals = init?.signal ? [init.signal, cut.signal] : [cut.signal]
      return fetch(url, { ...init, signal: AbortSignal.any(signals) })
    },
  })
  const requirement: RouteRequirement = guard.declare({ scopes: ['shop/read'] })
  await guard.start()
  return {
    async verify(token) {
      const verdict = await guard.verify({ authorization: [`Bearer ${token}`] }, requirement)
      return verdict.ok ? undefined : `${verdict.refusal.reason} ${verdict.refusal.detail ?? ''}`
    },
    cutOff: () => {
      cut.abort()
    },
    close: () => guard.close(),
  }
}

/** Waits until the feed speaks of this moment: the server looks at its clock when it looks at its database. */
async function isCurrent(server: RunningServer, now: number): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const answer = await fetch(`${server.issuer}/oauth2/revocations`)
    const { as_of: asOf } = (await answer.json()) as { as_of: number }
    if (asOf >= Math.floor(now / 1000)) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('the revocation feed does not follow the clock')
}
