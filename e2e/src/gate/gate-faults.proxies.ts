import { networkClaim } from '@latchkey/protocol'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePorts } from '../latchkey-process.ts'
import { callers, startGateLoad, type GateLoad } from './gate-load.ts'
import { findGateProxies, startGateProxy, type GateProxy } from './gate-proxy.ts'
import { callThrough, startGateStage, type GateStage } from './gate-stage.ts'

/* A gate that is killed, frozen and restarted under load lets nobody in; one whose issuer is away goes on judging. */

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe.each(findGateProxies())('%s', (name, isHere) => {
  let stage: GateStage
  let proxy: GateProxy
  let load: GateLoad
  const started: (() => PromiseLike<void>)[] = []
  beforeAll(async () => {
    if (!isHere) return
    const [gatePort = 0, adminPort = 0] = await freePorts(2)
    stage = await startGateStage(name, gatePort, adminPort)
    started.push(() => stage[Symbol.asyncDispose]())
    proxy = await startGateProxy(name, { gate: gatePort, api: stage.api.port })
    started.push(() => proxy.stop())
    const { issuer } = stage
    const [good, revoked, expired, elsewhere, lacking] = await Promise.all([
      issuer.sign(),
      issuer.sign(),
      issuer.sign({ exp: 1 }),
      issuer.sign({ [networkClaim]: { allow: ['192.0.2.1/32'] } }),
      issuer.sign({ scope: '' }),
    ])
    issuer.revokeToken(revoked)
    await stage.ready()
    load = startGateLoad(proxy.port, good, [
      undefined,
      revoked,
      expired,
      elsewhere,
      lacking,
      `${good.slice(0, -4)}AAAA`,
    ])
    started.push(() => load.stop())
  })
  afterAll(async () => {
    for (const stop of started.toReversed()) await stop()
  })

  const passes = (token: string) =>
    vi.waitFor(async () => expect((await callThrough(proxy.port, '/configurations', { token })).status).toBe(200), {
      timeout: 10_000,
    })
  const letIn = (kind: string) => stage.api.received.filter(({ headers }) => headers['x-test'] === kind).length

  /** What got in while `during` goes on, and how often callers were refused meanwhile. */
  async function watch(during: () => Promise<unknown>): Promise<{ good: number; bad: number; answers: number }> {
    const sum = () => [...load.answered.values()].reduce((total, each) => total + each, 0)
    const before = { good: letIn('good'), answers: sum() }
    await during()
    return { good: letIn('good') - before.good, bad: letIn('bad'), answers: sum() - before.answers }
  }

  test.skipIf(!isHere)('under load, the good get in and nobody else', async () => {
    const seen = await watch(() => pause(1500))
    expect(seen.good).toBeGreaterThan(20)
    expect(seen.bad).toBe(0)
  })

  test.skipIf(!isHere)('frozen: nobody gets in, until it goes on', async () => {
    stage.gate.child.kill('SIGSTOP')
    // What was decided before is on its way to the API.
    await pause(300)
    const seen = await watch(() => pause(6000))
    expect(seen).toMatchObject({ good: 0, bad: 0 })
    // Callers are answered, and not kept waiting for ever: by Traefik after thirty seconds, which cannot be set.
    expect(seen.answers).toBeGreaterThanOrEqual(name === 'traefik' ? 0 : callers)
    stage.gate.child.kill('SIGCONT')
    await passes(await stage.issuer.sign())
    expect((await watch(() => pause(500))).bad).toBe(0)
  })

  test.skipIf(!isHere)('killed: nobody gets in, until it was started again', async () => {
    await stage.gate.stop('SIGKILL')
    await pause(300)
    const seen = await watch(() => pause(5000))
    expect(seen).toMatchObject({ good: 0, bad: 0 })
    expect(seen.answers).toBeGreaterThanOrEqual(callers)
    await stage.restartGate()
    await passes(await stage.issuer.sign())
    expect((await watch(() => pause(500))).bad).toBe(0)
  })

  test.skipIf(!isHere)('restarted in order, again and again: nobody else gets in', async () => {
    const seen = await watch(async () => {
      for (let i = 0; i < 3; i++) {
        expect((await stage.gate.stop('SIGTERM')).code).toBe(0)
        await stage.restartGate()
        await pause(300)
      }
    })
    expect(seen.good).toBeGreaterThan(0)
    expect(seen.bad).toBe(0)
  })

  test.skipIf(!isHere)('the issuer away: known tokens are judged, also by a gate that starts then', async () => {
    const token = await stage.issuer.sign()
    await passes(token)
    // What it knows is written behind the requests.
    await pause(1000)
    await stage.issuer.close()
    expect((await callThrough(proxy.port, '/configurations', { token })).status).toBe(200)
    expect((await callThrough(proxy.port, '/other', { token })).status).toBe(403)
    await stage.gate.stop('SIGKILL')
    await stage.restartGate()
    await passes(token)
    expect((await callThrough(proxy.port, '/other', { token })).status).toBe(403)
    expect((await callThrough(proxy.port, '/configurations')).status).toBe(401)
    expect((await watch(() => pause(500))).bad).toBe(0)
  })
})
