import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newDirectory, removeDirectory, startDev, type LatchkeyProcess } from './latchkey-process.ts'
import { certificateEnvironment } from './guide-certificate.ts'
import { isHere, readSamples, runSample } from './guide-samples.ts'
import { startTlsApi } from './tls-api.ts'

/* The guide's samples in other languages, each as it stands on the page. A language that is not on this machine is skipped and counted so. */

let directory: string
let server: LatchkeyProcess
let samples: ReadonlyMap<string, string>
let environment: Record<string, string>

beforeAll(async () => {
  directory = newDirectory()
  server = await startDev(path.join(directory, 'data'))
  samples = await readSamples(server.ready.issuer)
  const { client_id: id, client_secret: secret, api } = server.ready.demo
  environment = { LATCHKEY_CLIENT_ID: id, LATCHKEY_CLIENT_SECRET: secret, API_URL: api }
})

afterAll(async () => {
  await server.stop()
  removeDirectory(directory)
})

/** Puts a sample into a folder of its own; answers how it is run. */
type Prepare = (folder: string, code: string) => Promise<readonly [command: string, ...args: string[]]>

const write = (folder: string, file: string, code: string): string => {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
  writeFileSync(path.join(folder, file), code)
  return path.join(folder, file)
}

const languages: readonly (readonly [id: string, isThere: boolean, prepare: Prepare])[] = [
  ['python', await isHere('python3', '--version'), async (folder, code) => ['python3', write(folder, 'call.py', code)]],
  ['go', await isHere('go', 'version'), async (folder, code) => ['go', 'run', write(folder, 'call.go', code)]],
  ['java', await isHere('java', '-version'), async (folder, code) => ['java', write(folder, 'Call.java', code)]],
  [
    'rust',
    await isHere('cargo', '--version'),
    async (folder, code) => {
      await runSample('cargo', ['init', '--quiet', '--name', 'call', '--vcs', 'none', folder], {})
      write(folder, 'src/main.rs', code)
      await runSample('cargo', ['add', '--quiet', 'ureq@3', '--features', 'json'], {}, folder)
      await runSample('cargo', ['add', '--quiet', 'serde_json@1'], {}, folder)
      await runSample('cargo', ['build', '--quiet'], {}, folder)
      return [path.join(folder, 'target/debug/call')]
    },
  ],
]

describe.each(languages)('%s', (id, isThere, prepare) => {
  test.skipIf(!isThere)('gets a token and calls the API; with a wrong secret it says so and fails', async () => {
    const folder = path.join(directory, id)
    mkdirSync(folder)
    const [command, ...args] = await prepare(folder, samples.get(id) ?? '')
    expect(await runSample(command, args, environment)).toContain('"items"')
    await expect(runSample(command, args, { ...environment, LATCHKEY_CLIENT_SECRET: 'wrong' })).rejects.toThrow(
      /Command failed/,
    )
  })
})

test.skipIf(!(await isHere('python3', '--version')))(
  'python with a certificate, to an API that asks for it',
  async () => {
    const folder = path.join(directory, 'mtls-python')
    mkdirSync(folder)
    const own = await certificateEnvironment(server.ready, folder)
    const tls = await startTlsApi(server.ready.issuer, path.join(directory, 'data'))
    const file = write(folder, 'call.py', samples.get('mtls-python') ?? '')
    const call = (more: Record<string, string> = {}) =>
      runSample('python3', [file], { ...own, API_URL: tls.url, API_CA_FILE: tls.authorityFile, ...more })
    expect(await call()).toContain('"items"')
    await expect(call({ LATCHKEY_CLIENT_ID: 'somebody-else' })).rejects.toThrow(/401/)
    await expect(call({ LATCHKEY_MTLS_CA_FILE: own['LATCHKEY_CERT_FILE'] ?? '' })).rejects.toThrow(/CERTIFICATE_VERIFY/)
    await tls.close()
  },
)
