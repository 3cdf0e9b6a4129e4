import { expect, test } from 'vitest'
import { refusalTable, type RefusalReason } from './refusal.ts'
import { writeRefusalAnswer } from './refusal-answer.ts'

const reasons = Object.keys(refusalTable) as RefusalReason[]

test.each(reasons)('%s: status, challenge and body agree', (reason) => {
  const { status, error, code } = refusalTable[reason]
  const answer = writeRefusalAnswer({ reason, requiredScopes: ['a/b'], detail: 'inner' }, 'https://api/m')
  expect(answer.status).toBe(status)
  expect(JSON.parse(answer.body)).toMatchObject({ status, code })
  expect(answer.headers).toMatchObject({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
  expect('www-authenticate' in answer.headers).toBe(status === 401 || error !== undefined)
  const challenge = answer.headers['www-authenticate'] ?? ''
  expect(/error="([^"]*)"/.exec(challenge)?.[1]).toBe(error)
  expect(JSON.stringify(answer)).not.toContain('inner')
})

test('RFC 6750 §3.1 each error code has its status', () => {
  const statuses = { invalid_request: 400, invalid_token: 401, insufficient_scope: 403 }
  const withError = Object.values(refusalTable).flatMap(({ status, error }) =>
    error === undefined ? [] : [{ status, error }],
  )
  expect(withError.map(({ status }) => status)).toEqual(withError.map(({ error }) => statuses[error]))
})

test('no refusal is a success', () => {
  expect(Object.values(refusalTable).filter(({ status }) => status < 400)).toEqual([])
})

test('the address as it was seen is told where it is what was wrong', () => {
  const refusal = { reason: 'network.address_not_allowed', requiredScopes: [], address: '203.0.113.9' } as const
  const { body } = writeRefusalAnswer(refusal, undefined)
  expect(JSON.parse(body)).toMatchObject({
    code: 'address_not_allowed',
    address: '203.0.113.9',
    detail: expect.stringContaining('203.0.113.9') as string,
  })
})

test('Retry-After in whole seconds, rounded up', () => {
  const refusal = { reason: 'keys.unavailable', requiredScopes: [], retryAfterSeconds: 1.2 } as const
  expect(writeRefusalAnswer(refusal, undefined).headers['retry-after']).toBe('2')
})
