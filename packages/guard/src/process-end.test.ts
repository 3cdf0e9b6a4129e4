import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { audience, readScope } from './protected-api.test.support.ts'
import { startTestIssuer } from './testing.ts'

const run = promisify(execFile)
const guard = fileURLToPath(new URL('guard.ts', import.meta.url))

/** A whole program that uses a guard, and closes nothing. */
const program = `
import { createGuard } from ${JSON.stringify(guard)}
const [issuer, token, pauseMs] = process.argv.slice(1)
const guard = createGuard({ issuer, audience: ${JSON.stringify(audience)}, resourceServer: 'configurations' })
const requirement = guard.declare({ scopes: [${JSON.stringify(readScope)}] })
const { ok } = await guard.verify({ authorization: ['Bearer ' + token] }, requirement)
await new Promise((resolve) => setTimeout(resolve, Number(pauseMs)))
console.log(ok)
`

/** Rejects if the program has not ended by itself after 20 seconds. */
async function runProgram(...args: string[]): Promise<string> {
  const options = ['--conditions=latchkey-source', '--input-type=module-typescript', '--eval', program, '--']
  return (await run(process.execPath, [...options, ...args], { timeout: 20_000 })).stdout.trim()
}

test('a program ends although its guard follows the stream', async () => {
  await using issuer = await startTestIssuer({ audience, scope: readScope })
  let open = false
  issuer.intercept = ({ headers }) => {
    open ||= headers.accept === 'text/event-stream'
    return 'pass'
  }
  expect(await runProgram(issuer.issuer, await issuer.sign(), '500')).toBe('true')
  expect(open).toBe(true)
})

test('and although no stream can be had, or the issuer is away', async () => {
  await using issuer = await startTestIssuer({ audience, scope: readScope })
  const token = await issuer.sign()
  issuer.intercept = ({ headers }, response) =>
    headers.accept === 'text/event-stream' ? void response.writeHead(406).end() : 'pass'
  expect(await runProgram(issuer.issuer, token, '100')).toBe('true')
  issuer.intercept = (request) => void request.socket.destroy()
  expect(await runProgram(issuer.issuer, token, '100')).toBe('false')
})
