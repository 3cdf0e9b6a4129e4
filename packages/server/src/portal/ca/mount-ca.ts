import type { FastifyInstance, FastifyReply } from 'fastify'
import { anchorOf, chainOf, type Authority } from '../../certificate-authority/authority.ts'
import { firstPublishedName } from '../../certificate-authority/the-authority.ts'
import { x509 } from '../../certificate-authority/x509.ts'
import { PortalError } from '../portal-error.ts'
import type { PortalServices } from '../services.ts'

/** Certificates of the authority change once in years, and are told apart by their keys. */
const forAnHour = 'public, max-age=3600'

/**
 * `GET /ca/…`: what others need to check clients' certificates: the authority, and what it has revoked (RFC 5280 §4.2.1.13, §4.2.2.1). And, apart from that, what
 * clients trust the server by.
 */
export async function mountCa(
  app: FastifyInstance,
  { certificates, revocationList, ocsp, serverTrust }: PortalServices,
): Promise<void> {
  const authority = async () => {
    const signing = await certificates.authority()
    if (signing === undefined) throw noAuthority()
    return signing
  }
  const published = async (name: string) => {
    const all = await certificates.authorities()
    const found = all.find(({ publishedAs }) => publishedAs === name)
    if (found === undefined) throw noAuthority()
    return found
  }
  const certificateOf = (reply: FastifyReply, { certificate }: Authority) => {
    const der = Buffer.from(new x509.X509Certificate(certificate).rawData)
    return reply.header('cache-control', forAnHour).type('application/pkix-cert').send(der)
  }
  const text = (reply: FastifyReply, pem: string) =>
    reply.header('cache-control', forAnHour).type('application/x-pem-file').send(pem)

  app.get('/ca/server.pem', (_request, reply) => {
    const trusted = serverTrust()
    if (trusted === undefined) {
      throw new PortalError('route.unknown', {
        detail: 'the certificate of this server is issued by an authority that programs know by themselves',
      })
    }
    return text(reply, trusted)
  })
  app.get('/ca/root.pem', async (_request, reply) => text(reply, anchorOf(await authority())))
  app.get('/ca/chain.pem', async (_request, reply) => text(reply, chainOf(await authority())))
  // The certificate of whoever signed what names it, though another signs by now.
  app.get<{ Params: { name: string } }>('/ca/:name.cer', async (request, reply) =>
    certificateOf(reply, await published(request.params.name)),
  )
  app.get('/ca/intermediate.cer', async (_request, reply) => certificateOf(reply, await published(firstPublishedName)))
  // Apart, for its parser: nothing else here takes what is no JSON.
  await app.register((own) => {
    own.addContentTypeParser('application/ocsp-request', { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body)
    })
    // RFC 6960 appendix A.1
    own.post('/ca/ocsp', async (request, reply) => {
      if (!Buffer.isBuffer(request.body)) {
        throw new PortalError('request.invalid', { detail: 'send the request as application/ocsp-request' })
      }
      return reply.type('application/ocsp-response').send(await ocsp(request.body))
    })
    return Promise.resolve()
  })
  app.get<{ Params: { '*': string } }>('/ca/ocsp/*', async (request, reply) => {
    const der = Buffer.from(request.params['*'], 'base64')
    return reply
      .header('cache-control', 'public, max-age=60')
      .type('application/ocsp-response')
      .send(await ocsp(der))
  })
  app.get<{ Params: { name: string } }>('/ca/:name.crl', async (request, reply) => {
    const list = await revocationList(await published(request.params.name))
    return reply.header('cache-control', 'public, max-age=60').type('application/pkix-crl').send(list)
  })
}

function noAuthority(): PortalError {
  return new PortalError('route.unknown', {
    detail: 'this server has no such authority: it may have issued no certificate yet',
  })
}
