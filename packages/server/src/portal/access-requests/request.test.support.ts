import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { AccessRequestForm } from '@latchkey/portal-contract'
import { expect } from 'vitest'
import type { Answer, TestServer } from '../../testing/start-test-server.ts'
import { postJson } from '../claim/link.test.support.ts'

/** A request as its requester has it. */
export interface TestRequest {
  readonly id: string
  readonly key: string
}

export function sampleForm(fields: Partial<AccessRequestForm> = {}): AccessRequestForm {
  return {
    organisation: 'Acme Ltd',
    contact_name: 'Ada Lovelace',
    contact_address: 'ada@acme.example',
    application_name: 'Order sync',
    application_kind: 'service',
    scopes: [{ scope: 'configurations/read', why: 'We show them in our shop.' }, { scope: 'configurations/write' }],
    purpose: 'Reads configurations each night.\nWrites prices back.',
    environment: 'production',
    source_addresses: [],
    authentication: 'secret',
    ...fields,
  }
}

let visitors = 0

/** Submits a form; each time from another address, since how many may come from one is a test of its own. */
export function submit(
  server: TestServer,
  fields: Partial<AccessRequestForm> & { invitation?: string } = {},
  from?: string,
): Promise<Answer> {
  visitors += 1
  const address = from ?? `198.18.${Math.floor(visitors / 250)}.${visitors % 250}`
  return postJson(server, '/access-requests', { ...sampleForm(), ...fields }, address)
}

/** The mails of `dev`, oldest first. */
export function mailsTo(server: TestServer, address: string, kind = ''): string[] {
  const directory = path.join(server.config.dataDirectory, 'mail')
  return readdirSync(directory)
    .toSorted()
    .filter((file) => file.includes(kind))
    .map((file) => readFileSync(path.join(directory, file), 'utf8'))
    .filter((mail) => mail.includes(`\nTo: ${address}\n`))
}

/** Waits for the newest status link that was mailed about a request. */
export async function mailedLink(
  server: TestServer,
  id: string,
  kind = 'request.confirm_address',
): Promise<TestRequest> {
  const directory = path.join(server.config.dataDirectory, 'mail')
  let key: string | undefined
  await expect
    .poll(
      () => {
        const mails = readdirSync(directory)
          .filter((file) => file.includes(`-${kind}-`))
          .toSorted()
          .map((file) => readFileSync(path.join(directory, file), 'utf8'))
        key = mails.map((mail) => new RegExp(`/access-requests/${id}#([\\w-]{43})`).exec(mail)?.[1]).findLast(Boolean)
        return key
      },
      { timeout: 10_000 },
    )
    .toBeDefined()
  return { id, key: key ?? '' }
}

/** Submits, and confirms by the mailed link. */
export async function confirmed(server: TestServer, fields: Parameters<typeof submit>[1] = {}): Promise<TestRequest> {
  const answer = await submit(server, fields)
  if (answer.status !== 202) throw new Error(answer.text)
  const request = await mailedLink(server, String(answer.json()['id']))
  const done = await act(server, request, 'confirm')
  if (done.status !== 200) throw new Error(done.text)
  return request
}

export function act(server: TestServer, { id, key }: TestRequest, what: string, more: object = {}): Promise<Answer> {
  return postJson(server, `/access-requests/${id}/${what}`, { key, ...more })
}
