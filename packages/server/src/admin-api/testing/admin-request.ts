import { request, type RequestOptions } from 'node:http'
import type { Problem } from '@latchkey/admin-contract'
import { expect } from 'vitest'

export interface AdminAnswer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
  /** The body as JSON; empty when there was none. */
  readonly body: Record<string, unknown>
}

export interface AdminRequestOptions {
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is, with no media type but one among `headers`. */
  readonly raw?: string | Buffer
  readonly headers?: Record<string, string | string[]>
}

export type SendAdmin = (method: string, url: string, options?: AdminRequestOptions) => Promise<AdminAnswer>

/** Sends requests below `/admin/v1` to a unix socket. */
export function adminSender(socketPath: string): SendAdmin {
  return (method, url, options) => sendTo({ socketPath, path: `/admin/v1${url}` }, method, options)
}

/** Sends requests below `/admin/v1` to an admin listener, with a token when one is given. */
export function remoteSender(adminUrl: string, token?: string): SendAdmin {
  const { hostname, port } = new URL(adminUrl)
  return (method, url, options = {}) => {
    const headers = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...options.headers }
    return sendTo({ hostname, port, path: `/admin/v1${url}`, agent: false }, method, { ...options, headers })
  }
}

function sendTo(to: RequestOptions, method: string, options: AdminRequestOptions = {}): Promise<AdminAnswer> {
  const sent = options.raw ?? ('body' in options ? JSON.stringify(options.body) : undefined)
  const headers: Record<string, string | string[]> = { ...options.headers }
  if ('body' in options) headers['content-type'] = 'application/json'
  if (sent !== undefined) headers['content-length'] = String(Buffer.byteLength(sent))
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...to, method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const answer = Buffer.concat(chunks).toString()
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: answer,
          body: answer === '' ? {} : (JSON.parse(answer) as Record<string, unknown>),
        })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(sent)
  })
}

/** That this is a problem document (RFC 9457) with everything that one must have. */
export function expectProblem(answer: AdminAnswer, status: number, reason: Problem['reason']): void {
  expect({ status: answer.status, reason: answer.body['reason'] }).toEqual({ status, reason })
  expectDocument(answer)
  expect(answer.body['status']).toBe(status)
}

/** That this is some problem document, whatever its reason. */
export function expectDocument(answer: AdminAnswer): void {
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(answer.body).toMatchObject({
    type: `urn:latchkey:problem:${String(answer.body['reason'])}`,
    title: expect.any(String) as string,
    status: answer.status,
    detail: expect.any(String) as string,
    request_id: answer.headers['x-request-id'],
  })
}
