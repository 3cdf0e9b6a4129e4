import { pagePaths } from '@latchkey/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PortalServices } from '../services.ts'
import { readSite, type SiteFile } from './site.ts'

/**
 * Only files of this server, and nothing written into the page: what a page shows cannot run, and what it holds cannot leave. No frame may hold
 * it, so that nobody is made to press unseen.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Hashed names: what is behind one never changes. */
const forEver = 'public, max-age=31536000, immutable'
const forAnHour = 'public, max-age=3600'

/** The pages, the same bytes for every id and every visitor; and their files. Getting them spends nothing. Throws Fault `pages.missing`. */
export function mountPages(app: FastifyInstance, { issuer }: PortalServices): void {
  const site = readSite(new URL(issuer).pathname.replace(/\/$/, ''))
  const show = (html: string) => (_request: FastifyRequest, reply: FastifyReply) =>
    reply.header('content-security-policy', contentSecurityPolicy).type('text/html; charset=utf-8').send(html)
  app.get(`${pagePaths.claim}/:id`, show(site.claim))
  app.get(pagePaths.accessRequests, show(site.request))
  app.get(`${pagePaths.accessRequests}/:id`, show(site.status))
  for (const file of site.files) {
    app.get(`/${file.path}`, (request, reply) => {
      const { body, encoding } = variant(file, request.headers['accept-encoding'] ?? '')
      if (encoding !== undefined) void reply.header('content-encoding', encoding)
      return reply
        .headers({ 'cache-control': file.isHashed ? forEver : forAnHour, vary: 'Accept-Encoding' })
        .type(file.type)
        .send(body)
    })
  }
}

/** The smallest that the browser takes (RFC 9110 §12.5.3); a weight of zero is a no. */
function variant(
  file: SiteFile,
  accepted: string,
): { readonly body: Buffer; readonly encoding: 'br' | 'gzip' | undefined } {
  const takes = (name: string) =>
    new RegExp(`(?:^|,)\\s*${name}\\s*(?:$|,|;(?!\\s*q=0(?:\\.0*)?\\s*(?:$|,)))`).test(accepted)
  if (file.brotli !== undefined && takes('br')) return { body: file.brotli, encoding: 'br' }
  if (file.gzip !== undefined && takes('gzip')) return { body: file.gzip, encoding: 'gzip' }
  return { body: file.plain, encoding: undefined }
}
