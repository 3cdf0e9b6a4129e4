import { generateKeyPairSync, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { createSigner } from './signer.ts'

test('R and S have 32 bytes each, also when they begin with zeros (RFC 7518 §3.4)', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = createSigner({ kid: 'kid', algorithm: 'ES256', privateKey }, 'at+jwt')
  let short = 0
  // One signature in 128 has such a half: all of them being long has a chance of one in ten million.
  for (let i = 0; i < 2048; i++) {
    const [header, payload, text = ''] = signer.sign(`{"i":${i}}`).split('.')
    const signature = Buffer.from(text, 'base64url')
    expect(signature).toHaveLength(64)
    const input = Buffer.from(`${header}.${payload}`)
    if (!verify('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)) expect.fail(text)
    if (signature[0] === 0 || signature[32] === 0) short++
  }
  expect(short).toBeGreaterThan(0)
})
