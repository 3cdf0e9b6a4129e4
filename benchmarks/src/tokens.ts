import { compare, durationMs } from './compare.ts'
import { load, type LoadResult } from './load.ts'
import { startSubject, type Subject } from './subject.ts'

const connectionCounts = [1, 16, 64]

/** The token endpoint with secrets, over kept-alive connections of plain HTTP. */
export async function measureTokens(): Promise<void> {
  const running = {
    'bare node:http, one ES256 signature a request': await startSubject('./bare-server.ts'),
    'latchkey, audit log written before the answer': await startSubject('./latchkey-server.ts', 'interval'),
    'latchkey, audit log on disk before the answer': await startSubject('./latchkey-server.ts', 'answer'),
  }
  for (const subject of Object.values(running)) await requestTokens(subject, 16)
  for (const connections of connectionCounts) {
    await compare(
      `Tokens by secret, ${connections} connection${connections === 1 ? '' : 's'}`,
      'tokens',
      Object.fromEntries(
        Object.entries(running).map(([name, subject]) => [name, () => requestTokens(subject, connections)]),
      ),
    )
  }
  await Promise.all(Object.values(running).map((subject) => subject.stop()))
}

function requestTokens(subject: Subject, connections: number): Promise<LoadResult> {
  const form = { grant_type: 'client_credentials', client_id: subject.clientId, client_secret: subject.clientSecret }
  return load({
    port: subject.port,
    path: '/oauth2/token',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
    connections,
    durationMs,
  })
}
