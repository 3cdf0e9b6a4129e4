import { describe, expect, test } from 'vitest'
import { coversEndpoint, matchesEndpoint, readEndpointPattern, type EndpointPattern } from './endpoint-pattern.ts'

function pattern(text: string): EndpointPattern {
  const read = readEndpointPattern(text)
  if (!read.ok) throw new Error(`${text}: ${read.problem}`)
  return read.pattern
}

describe('patterns', () => {
  test.for([
    ['GET /configurations', 'GET /configurations'],
    ['GET   /configurations/', 'GET /configurations'],
    ['* /**', '* /**'],
    ['GET /', 'GET /'],
    ['PUT /configurations/{id}/parts/*', 'PUT /configurations/*/parts/*'],
    ['POST /configurations/**', 'POST /configurations/**'],
  ])('%s is read as %s', ([given, text]) => {
    expect(pattern(given ?? '').text).toBe(text)
  })

  test.for([
    ['', /method and a path/],
    ['GET', /method and a path/],
    ['GET /a b', /method and a path/],
    ['get /a', /capitals/],
    ['GET a', /begins with/],
    ['GET /a/../b', /reads alike/],
    ['GET /a//b', /reads alike/],
    ['GET /a%2fb', /reads alike/],
    ['GET /a;v=1', /reads alike/],
    ['GET /a\\b', /reads alike/],
    ['GET /a?b', /reads alike/],
    ['GET /**/b', /at the end/],
    ['GET /a*', /reads alike/],
    ['GET /ä', /reads alike/],
    [`GET /${'a'.repeat(600)}`, /longer/],
  ] as const)('%s is refused', ([given, why]) => {
    expect(readEndpointPattern(given)).toMatchObject({ ok: false, problem: expect.stringMatching(why) as string })
  })
})

describe('calls', () => {
  test.for([
    ['GET /configurations', 'GET', '/configurations', true],
    ['GET /configurations', 'GET', '/configurations/', true],
    ['GET /configurations', 'HEAD', '/configurations', true],
    ['GET /configurations', 'POST', '/configurations', false],
    ['GET /configurations', 'GET', '/configurations/1', false],
    ['GET /configurations', 'GET', '/', false],
    ['GET /configurations/*', 'GET', '/configurations', false],
    ['GET /configurations/*', 'GET', '/configurations/a%20b', true],
    ['GET /configurations/*', 'GET', '/configurations/1/2', false],
    ['POST /configurations/**', 'POST', '/configurations', true],
    ['POST /configurations/**', 'POST', '/configurations/1/2', true],
    ['POST /configurations/**', 'POST', '/configurationsx', false],
    ['GET /a-b', 'GET', '/a%2Db', true],
    ['* /**', 'PURGE', '/', true],
  ] as const)('%s: %s %s → %s, for granting and restricting alike', ([text, method, path, is]) => {
    expect([matchesEndpoint(pattern(text), method, path), coversEndpoint(pattern(text), method, path)]).toEqual([
      is,
      is,
    ])
  })

  test('case counts for granting, not for restricting', () => {
    const read = pattern('POST /configurations/**')
    expect([
      matchesEndpoint(read, 'POST', '/Configurations/1'),
      coversEndpoint(read, 'post', '/CONFIGURATIONS'),
    ]).toEqual([false, true])
  })

  test.for([
    '/a/../configurations',
    '/a/%2e%2e/configurations',
    '/a/%2E./configurations',
    '/./configurations',
    '//configurations',
    '/configurations//1',
    '/configurations/1//',
    '//',
    '/a%2fconfigurations',
    '/a%5cconfigurations',
    '/a\\configurations',
    '/configurations;x=1',
    '/configurations%3bx',
    '/configurations%00',
    '/configurations%0a',
    '/configurations%252f1',
    '/configurations%3f',
    '/configurations%23',
    '/configurations?x',
    '/configurations#x',
    '/configurations%',
    '/configurations%zz',
    '/configurations%ff',
    '/configurätions',
    'configurations',
    '*',
    '',
    'http://api.example.com/configurations',
  ])('%j is granted by no pattern, and covered by every one', (path) => {
    expect(matchesEndpoint(pattern('* /**'), 'GET', path)).toBe(false)
    expect(coversEndpoint(pattern('GET /elsewhere'), 'GET', path)).toBe(true)
  })
})
