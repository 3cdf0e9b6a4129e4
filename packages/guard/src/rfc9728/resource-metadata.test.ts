import { expect, test } from 'vitest'
import { createGuard } from '../guard.ts'
import { audience, call, readScope, startProtectedApi, writeScope } from '../protected-api.test.support.ts'

const options = { issuer: 'https://login.example.com', audience, resourceServer: 'configurations' }

test('§3.2 metadata at the well-known path, open to everybody', async () => {
  await using api = await startProtectedApi()
  const answer = await call(`${api.url}/.well-known/oauth-protected-resource/v1`)
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json'])
  expect(answer.json).toEqual({
    resource: audience,
    authorization_servers: [api.issuer.issuer],
    scopes_supported: [readScope, writeScope],
    bearer_methods_supported: ['header'],
  })
  expect((await call(`${api.url}/.well-known/oauth-protected-resource`)).status).toBe(401)
})

test.each([
  ['https://api.example.com', '/.well-known/oauth-protected-resource'],
  ['https://api.example.com/a/b', '/.well-known/oauth-protected-resource/a/b'],
  ['urn:example:api', undefined],
])('§3.1 resource %s → path %s', (resource, path) => {
  expect(createGuard({ ...options, audience: resource }).resourceMetadataPath).toBe(path)
})

function challenge(more: object): string | undefined {
  const guard = createGuard({ ...options, ...more })
  return guard.refuse({ reason: 'token.missing', requiredScopes: [readScope] }).headers['www-authenticate']
}

test('§5.1 the challenge names the metadata URL that was configured; none for an audience that is no URL', () => {
  const resourceMetadataUrl = 'http://127.0.0.1:8402/.well-known/oauth-protected-resource'
  expect(challenge({ resourceMetadataUrl })).toBe(
    `Bearer scope="${readScope}", resource_metadata="${resourceMetadataUrl}"`,
  )
  expect(challenge({ audience: 'urn:example:api' })).toBe(`Bearer scope="${readScope}"`)
})
