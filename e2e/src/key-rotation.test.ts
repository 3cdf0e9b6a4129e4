import { expect, test } from 'vitest'
import { admin, newDirectory, removeDirectory, startDev } from './latchkey-process.ts'
import { rotateUnderLoad } from './rotate-under-load.ts'

test('scheduled rotations refuse no valid token, whatever the age of the verifiers’ keys', async () => {
  const { rotations, tokens, verifications, kids, refused } = await rotateUnderLoad(5)
  expect(refused).toEqual([])
  expect(new Set(kids).size).toBe(rotations)
  expect(tokens).toBe(rotations * 50)
  expect(verifications).toBe(rotations * 160)
})

test('`dev` with another algorithm, first chosen and then changed: the example API takes what is signed', async () => {
  const directory = newDirectory()
  const algorithmOf = (token: string) =>
    (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { alg: string }).alg
  try {
    for (const [chosen, signed] of [
      ['ML-DSA-65', ['ML-DSA-65', 'ML-DSA-65']],
      ['RS256', ['ML-DSA-65', 'RS256']],
    ] as const) {
      const dev = await startDev(directory, [0, 0, 0], ['--signing-algorithm', chosen])
      const { demo, token_endpoint: tokenEndpoint, admin_socket: socket } = dev.ready
      const { client_id, client_secret, scope } = demo
      const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret, scope })
      for (const algorithm of signed) {
        const answer = await fetch(tokenEndpoint, { method: 'POST', body })
        const { access_token: token } = (await answer.json()) as { access_token: string }
        expect(algorithmOf(token)).toBe(algorithm)
        const used = await fetch(demo.api, { headers: { authorization: `Bearer ${token}` } })
        expect(used.status).toBe(200)
        expect((await admin(socket, 'POST', '/keys/rotate')).status).toBe(200)
      }
      await dev.stop()
    }
  } finally {
    removeDirectory(directory)
  }
})
