import { Agent, request } from 'node:http'
import { compare, durationMs } from './compare.ts'
import type { LoadResult } from './load.ts'
import { startSubject, type MtlsSubject } from './subject.ts'

const atATime = 4

/** Certificates issued over the admin API, for one request again and again: each is signed, linted, recorded and in the audit log. */
export async function measureCertificates(): Promise<void> {
  const subject = await startSubject<MtlsSubject>('./latchkey-server.ts', 'interval')
  const path = `/admin/v1/clients/${subject.mtls.clientId}`
  await compare('Changes over the admin socket', 'changes', {
    'a change of a client’s name, the floor': () => repeat(subject.adminSocket, 'PATCH', path, { name: 'bench' }),
    'a certificate issued': () =>
      repeat(subject.adminSocket, 'POST', `${path}/certificates`, { csr: subject.mtls.csr, expires_in: 3600 }),
  })
  await subject.stop()
}

async function repeat(socketPath: string, method: string, path: string, body: unknown): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: atATime })
  const sent = JSON.stringify(body)
  const latencies: number[] = []
  let failed = 0
  const began = performance.now()
  const one = async (): Promise<void> => {
    while (performance.now() - began < durationMs) {
      const at = performance.now()
      const status = await post(agent, socketPath, method, path, sent)
      if (status < 300) latencies.push(performance.now() - at)
      else failed++
    }
  }
  await Promise.all(Array.from({ length: atATime }, one))
  agent.destroy()
  const sorted = latencies.toSorted((a, b) => a - b)
  return {
    requestsPerSecond: latencies.length / ((performance.now() - began) / 1000),
    p50Ms: sorted[Math.floor(sorted.length / 2)] ?? NaN,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? NaN,
    failed,
  }
}

function post(agent: Agent, socketPath: string, method: string, path: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const outgoing = request({ agent, socketPath, method, path, headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
