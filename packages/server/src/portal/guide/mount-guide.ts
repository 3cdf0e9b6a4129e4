import { createHash } from 'node:crypto'
import { pagePaths } from '@latchkey/protocol'
import type { FastifyInstance } from 'fastify'
import type { PortalServices } from '../services.ts'
import { guideFacts } from './facts.ts'
import { guidePage } from './guide-page.ts'
import { style } from './style.ts'

/** The one style sheet stands in the page, and is allowed by its hash (CSP Level 3 §6.7.3.3). */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** `GET /docs`: made anew whenever anything that it says may have changed, so that it is always true; unchanged it costs no bytes (RFC 9110 §13.1.2). */
export function mountGuide(app: FastifyInstance, services: PortalServices): void {
  let made: { readonly facts: string; readonly page: string; readonly etag: string } | undefined

  function current() {
    const facts = guideFacts(services)
    const key = JSON.stringify(facts)
    if (made?.facts !== key) {
      const page = guidePage(facts)
      made = { facts: key, page, etag: `"${createHash('sha256').update(page).digest('base64url').slice(0, 22)}"` }
    }
    return made
  }

  app.get(pagePaths.docs, (request, reply) => {
    const { page, etag } = current()
    void reply.headers({ etag, 'cache-control': 'no-cache', 'content-security-policy': contentSecurityPolicy })
    const known = request.headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
    if (known.includes(etag) || known.includes('*')) return reply.code(304).send()
    return reply.type('text/html; charset=utf-8').send(page)
  })
}
