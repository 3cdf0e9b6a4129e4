import { parseKeyedLink } from '@latchkey/protocol'
import { adminSender } from '../../admin-api/testing/admin-request.ts'
import { postForm, send, type Answer, type TestServer } from '../../testing/start-test-server.ts'

/** A link as its receiver has it. */
export interface TestLink {
  readonly id: string
  readonly key: string
  readonly code: string | undefined
}

/** Makes one through the admin API. Throws when that is refused. */
export async function makeLink(server: TestServer, clientId: string, body: object = {}): Promise<TestLink> {
  const answer = await adminSender(server.adminSocket)('POST', `/clients/${clientId}/links`, { body })
  if (answer.status !== 201) throw new Error(answer.text)
  const parsed = parseKeyedLink('claim', String(answer.body['delivery_link']))
  if (parsed === undefined) throw new Error('not a link')
  return { id: parsed.id, key: parsed.key, code: answer.body['code'] as string | undefined }
}

/** POSTs JSON to a page of the public listener itself, whatever its issuer is called; as a proxy would for somebody at `from`. */
export function postJson(server: TestServer, path: string, body: unknown, from?: string): Promise<Answer> {
  return send(server.publicUrl + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(from === undefined ? {} : { 'X-Forwarded-For': from }) },
    body: JSON.stringify(body),
  })
}

export function claim(server: TestServer, { id, key }: TestLink, more: object = {}): Promise<Answer> {
  return postJson(server, `/claim/${id}`, { key, ...more })
}

/** The state that the link's own page shows. */
export async function stateOf(server: TestServer, { id, key }: TestLink): Promise<string> {
  const answer = await postJson(server, `/claim/${id}/status`, { key })
  return answer.status === 200 ? String(answer.json()['state']) : String(answer.json()['reason'])
}

/** A token request with what a claim answered. */
export function askToken(server: TestServer, claimed: Answer): Promise<Answer> {
  const { client_id: id, client_secret: secret } = claimed.json<{ client_id: string; client_secret: string }>()
  return postForm(`${server.publicUrl}/oauth2/token`, {
    grant_type: 'client_credentials',
    client_id: id,
    client_secret: secret,
  })
}
