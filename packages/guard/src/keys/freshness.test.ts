import { expect, test } from 'vitest'
import { readFreshnessSeconds } from './freshness.ts'

test.each([
  [{}, 300],
  [{ 'cache-control': 'public, max-age=120' }, 120],
  [{ 'cache-control': 'MAX-AGE=120, public' }, 120],
  [{ 'cache-control': 'max-age="120"' }, 120],
  [{ 'cache-control': 's-maxage=120' }, 300],
  [{ 'cache-control': 'x-max-age=120' }, 300],
  [{ 'cache-control': 'max-age=120', age: '50' }, 70],
  [{ 'cache-control': 'max-age=120', age: '500' }, 10],
  [{ 'cache-control': 'max-age=120', age: 'x' }, 120],
  [{ 'cache-control': 'max-age=0' }, 10],
  [{ 'cache-control': 'no-store, max-age=120' }, 10],
  [{ 'cache-control': 'no-cache' }, 10],
  [{ 'cache-control': 'max-age=-5' }, 300],
  [{ 'cache-control': 'max-age=9999999999' }, 900],
])('%j → %i s', (headers, seconds) => {
  expect(readFreshnessSeconds(new Headers(headers as Record<string, string>), 900)).toBe(seconds)
})
