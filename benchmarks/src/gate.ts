import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startTestIssuer, type TestIssuer } from '@latchkey/guard/testing'
import { networkClaim } from '@latchkey/protocol'
import { compare, durationMs } from './compare.ts'
import { load, type LoadResult } from './load.ts'
import { measureNginx } from './nginx-gate.ts'
import { startSubject, type Subject } from './subject.ts'

const connectionCounts = [1, 16, 64]

/** More than the gate is told to remember, in turn: every token is one that it has not seen, or does not remember. */
const firstSeenTokens = 2400
const rememberedTokens = 1000
const repeatedTokens = 50

const audience = 'https://api.example.com'
const scope = 'configurations/configurations.read'

/** What a proxy tells of a call, as nginx does. */
const askedHeaders = {
  'X-Original-Method': 'GET',
  'X-Original-URI': '/configurations/17?view=full',
  'X-Real-IP': '203.0.113.7',
  'X-Request-Id': '4d1f0f6ae8f14b7d9c1de3a2b5c60718',
}

interface GateUnderTest {
  readonly port: number
  stop(): Promise<void>
}

/**
 * `latchkey gate`, asked as nginx asks it, beside node:http that verifies one ES256 signature a request: by tokens that it has not seen, and by fifty that come again
 * and again. Tokens carry a network policy; there are four rules.
 */
export async function measureGate(): Promise<void> {
  const issuer = await startTestIssuer({ audience, scope })
  publishRules(issuer)
  const directory = await mkdtemp(path.join(tmpdir(), 'latchkey-bench-'))
  const floor = await startSubject<Pick<Subject, 'port'>>(
    './bare-verifier-server.ts',
    JSON.stringify(issuer.keySet.keys[0]),
  )
  const gate = await startGate(issuer, directory)
  try {
    const firstSeen = asHeaders(await signTokens(issuer, firstSeenTokens))
    const repeated = firstSeen.slice(0, repeatedTokens)
    const subjects = { 'bare node:http, one ES256 verification a request': floor.port, 'latchkey gate': gate.port }
    for (const [what, tokens] of [['not seen before', firstSeen] as const, ['that come again', repeated] as const]) {
      for (const port of Object.values(subjects)) await ask(port, tokens, 16)
      for (const connections of connectionCounts) {
        await compare(
          `Decisions on tokens ${what}, ${connections} connection${connections === 1 ? '' : 's'}`,
          'decisions',
          Object.fromEntries(
            Object.entries(subjects).map(([name, port]) => [name, () => ask(port, tokens, connections)]),
          ),
        )
      }
    }
    await measureNginx(gate.port, repeated)
  } finally {
    await Promise.all([gate.stop(), floor.stop()])
    await issuer.close()
    await rm(directory, { recursive: true })
  }
}

function publishRules(issuer: TestIssuer): void {
  issuer.resourceServer.document = {
    resource_server: 'configurations',
    audience,
    version: 1,
    endpoint_rules: [
      { endpoint: 'POST /configurations', scopes: ['configurations/configurations.write'] },
      { endpoint: 'PUT /configurations/*', scopes: ['configurations/configurations.write'] },
      { endpoint: 'DELETE /configurations/*', scopes: ['configurations/configurations.write'], allowed_ip: true },
      { endpoint: 'GET /configurations/**', scopes: [scope], allowed_ip: true },
    ],
  }
}

async function startGate(issuer: TestIssuer, directory: string): Promise<GateUnderTest> {
  const { clientId, clientSecret } = issuer.resourceServer.credential
  const secretFile = path.join(directory, 'secret')
  await writeFile(secretFile, clientSecret, { mode: 0o600 })
  const flags = {
    issuer: issuer.issuer,
    audience,
    'resource-server': 'configurations',
    'client-id': clientId,
    'client-secret-file': secretFile,
    proxy: 'nginx',
    'remembered-tokens': String(rememberedTokens),
    'data-dir': path.join(directory, 'data'),
    port: '0',
    'admin-port': '0',
  }
  const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])
  const { url, stop } = await startSubject<{ readonly url: string }>(
    '../../packages/cli/src/main.ts',
    'gate',
    '--json',
    ...given,
  )
  return { port: Number(new URL(url).port), stop }
}

async function signTokens(issuer: TestIssuer, count: number): Promise<readonly string[]> {
  // That of the calls that a proxy tells of, and that of those through nginx.
  const allow = ['203.0.113.0/24', '127.0.0.9/32', '2001:db8:7::/48']
  const tokens: string[] = []
  while (tokens.length < count) {
    tokens.push(...(await Promise.all(Array.from({ length: 100 }, () => issuer.sign({ [networkClaim]: { allow } })))))
  }
  return tokens
}

type Variants = readonly Readonly<Record<string, string>>[]

function asHeaders(tokens: readonly string[]): Variants {
  return tokens.map((token) => ({ Authorization: `Bearer ${token}` }))
}

function ask(port: number, variants: Variants, connections: number): Promise<LoadResult> {
  return load({
    port,
    method: 'GET',
    path: '/check',
    headers: askedHeaders,
    variants,
    body: '',
    connections,
    durationMs,
  })
}
