import type { EpochMs } from '@latchkey/protocol'
import type { ChangeContext } from '../audit/change.ts'
import type { AdminEvent } from '../audit/events.ts'
import { issueWithin, type CertificateMaker, type Issued } from '../certificate-authority/issue-certificate.ts'
import { takesSecret } from '../clients/authentication.ts'
import type { Client } from '../clients/client.ts'
import { registerKeyWithin } from '../clients/register-key.ts'
import { makeSecret } from '../clients/secrets.ts'
import { done, type Result } from '../kernel/result.ts'
import { keyForCertificate, neededKey, refuseKey, refuseMisfit, type BroughtKey, type KeyRefusal } from './claim-key.ts'
import type { LinkTransaction } from './transaction.ts'
import type { DeliveryLink } from './link.ts'

/** What a claim delivers, by how its client authenticates. */
export interface Delivered {
  readonly secret: { readonly clientSecret: string; readonly expiresAt: EpochMs | undefined } | undefined
  readonly certificate: Issued | undefined
  /** Of a certificate that the client made itself: SHA-256 of its key, hexadecimal. */
  readonly registeredKey: string | undefined
}

export interface MadeCredentials {
  readonly delivered: Delivered
  /** What the link remembers of them. */
  readonly remembered: Pick<DeliveryLink, 'credentialId' | 'keyCredentialId' | 'certificateSerial'>
  readonly parts: readonly AdminEvent[]
}

/** Makes what the link delivers, in the change of its claim. Refuses, before anything is made, a key that does not fit, or cannot be taken. */
export async function makeCredentials(
  tx: LinkTransaction,
  maker: CertificateMaker,
  context: ChangeContext,
  link: DeliveryLink,
  client: Client,
  brought: BroughtKey,
): Promise<Result<MadeCredentials, KeyRefusal>> {
  const { authentication } = client
  const misfit = refuseMisfit(neededKey(link, authentication), brought)
  if (misfit !== undefined) return misfit
  if (authentication === 'self-signed-mtls') return registerOwn(tx, maker, context, link, client, brought)

  const key = authentication === 'secret' ? undefined : await keyForCertificate(link, brought)
  if (key?.ok === false) return key
  const { clientId } = client
  const secret = takesSecret(authentication) ? await addSecret(tx, maker, context, link) : undefined
  const order = key && { ...key.value, lifetimeSeconds: undefined }
  const issued = order && (await issueWithin(tx, maker, context, clientId, order))
  if (issued?.ok === false) return refuseKey('link.key_unsuitable', issued.refusal.message)
  return done({
    delivered: { secret, certificate: issued?.value, registeredKey: undefined },
    remembered: {
      credentialId: secret?.credentialId,
      keyCredentialId: issued?.value.certificate.credentialId,
      certificateSerial: issued?.value.certificate.serial,
    },
    parts: issued === undefined ? [] : [...(issued.parts ?? []), issued.event],
  })
}

async function addSecret(tx: LinkTransaction, maker: CertificateMaker, { now }: ChangeContext, link: DeliveryLink) {
  const { clientId, secretName: name, secretLifetimeSeconds: lifetime } = link
  const expiresAt = lifetime === undefined ? undefined : ((now + lifetime * 1000) as EpochMs)
  const { credential, clientSecret } = makeSecret(maker, clientId, { name, now, expiresAt })
  await tx.clients.insertCredential(credential)
  return { clientSecret, expiresAt, credentialId: credential.id }
}

/** Nothing is handed out: from now on the client's own certificate counts. */
async function registerOwn(
  tx: LinkTransaction,
  maker: CertificateMaker,
  context: ChangeContext,
  { ownCertificate }: DeliveryLink,
  { clientId }: Client,
  { certificate }: BroughtKey,
): Promise<Result<MadeCredentials, KeyRefusal>> {
  const registered = await registerKeyWithin(tx, maker, context, clientId, ownCertificate ?? certificate ?? '')
  if (!registered.ok) return refuseKey('link.key_unsuitable', registered.refusal.message)
  const { id, name } = registered.value
  return done({
    delivered: { secret: undefined, certificate: undefined, registeredKey: name },
    remembered: { credentialId: undefined, keyCredentialId: id, certificateSerial: undefined },
    parts: [registered.event],
  })
}
