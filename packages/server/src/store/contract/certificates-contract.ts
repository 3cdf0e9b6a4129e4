import type { EpochMs } from '@latchkey/protocol'
import { describe, expect } from 'vitest'
import type { Authority, AuthorityRequest, Root } from '../../certificate-authority/authority.ts'
import type { IssuedCertificate, Serial } from '../../certificate-authority/certificate.ts'
import type { RegisteredKey, RegisteredSubject } from '../../clients/client-certificate.ts'
import { done } from '../../kernel/result.ts'
import type { CredentialId } from '../../clients/credential.ts'
import type { ChangeTransaction } from '../sql/change.ts'
import type { OpenBackend } from './backend.ts'
import { rigTest, type Rig } from './rig.ts'
import { asClientId, sampleClient, sampleCredential } from './sample-records.ts'

/** The authority and what it issued, on every backend. */
export function describeCertificates(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)

  const write = (rig: Rig, work: (tx: ChangeTransaction) => Promise<void>) =>
    rig.store.change(rig.context(), async (tx) => {
      await work(tx)
      return { ...done(undefined), event: { name: 'certificate.issued', subject: 'x', details: {} } }
    })

  const sealed = (rig: Rig, id: string) => ({
    id,
    certificate: `certificate of ${id}`,
    sealedPrivateKey: 'sealed',
    dataKeyId: 'key',
    createdAt: rig.clock.now(),
    notAfter: (rig.clock.now() + 1000) as EpochMs,
  })
  const rootOf = (rig: Rig, id: string): Root => ({ kind: 'root', ...sealed(rig, id) })
  const authority = (rig: Rig, id: string): Authority => ({
    kind: 'intermediate',
    ...sealed(rig, id),
    root: 'certificate of its root',
    publishedAs: `list of ${id}`,
    replacedAt: undefined,
  })

  const certificate = (rig: Rig, serial: string, fields: Partial<IssuedCertificate> = {}): IssuedCertificate => ({
    serial: serial.padEnd(32, '0') as Serial,
    clientId: asClientId('acme'),
    credentialId: 'credential' as CredentialId,
    authorityId: 'a',
    certificate: 'pem',
    thumbprint: `thumbprint of ${serial}`,
    subjectUri: 'https://issuer/clients/acme',
    notBefore: rig.clock.now(),
    notAfter: (rig.clock.now() + 1000) as EpochMs,
    createdAt: rig.clock.now(),
    createdBy: 'local-socket',
    revokedAt: undefined,
    revocationReason: undefined,
    ...fields,
  })

  describe('the certificate authority', () => {
    test('one signs, and one certifies it; those before stay', async ({ rig }) => {
      const [root, first] = [rootOf(rig, 'r'), authority(rig, 'a')]
      expect(await rig.store.certificates.authority()).toBeUndefined()
      await write(rig, async (tx) => {
        await tx.certificates.insertRoot(root)
        await tx.certificates.insertAuthority(first)
      })
      const { certificates } = await rig.open()
      expect([await certificates.root(), await certificates.authority()]).toEqual([root, first])
      const second = authority(rig, 'b')
      await expect(write(rig, (tx) => tx.certificates.insertAuthority(second))).rejects.toThrow()
      await expect(write(rig, (tx) => tx.certificates.insertRoot(rootOf(rig, 'other')))).rejects.toThrow()
      rig.clock.advance(10)
      const at = rig.clock.now()
      const later = { ...second, createdAt: at }
      await write(rig, async (tx) => {
        await tx.certificates.replaceAuthority(first.id, at)
        await tx.certificates.insertAuthority(later)
        await tx.certificates.replaceRoot(at)
      })
      expect([await certificates.root(), await certificates.authority()]).toEqual([undefined, later])
      expect(await certificates.authorities()).toEqual([{ ...first, replacedAt: at }, later])
    })

    test('a request waits until it is taken away', async ({ rig }) => {
      const { sealedPrivateKey, dataKeyId, createdAt } = sealed(rig, 'x')
      const request: AuthorityRequest = { id: 'q', csr: 'csr', sealedPrivateKey, dataKeyId, createdAt }
      await write(rig, (tx) => tx.certificates.insertAuthorityRequest(request))
      expect(await rig.store.certificates.authorityRequest()).toEqual(request)
      await write(rig, (tx) => tx.certificates.deleteAuthorityRequest('q'))
      expect(await rig.store.certificates.authorityRequest()).toBeUndefined()
    })
  })

  describe('what is registered for a client', () => {
    test('comes back as it was kept, and goes with its credential', async ({ rig }) => {
      const [keyOf, nameOf] = [sampleCredential('acme', 'key'), sampleCredential('acme', 'name')]
      const key: RegisteredKey = { kind: 'key', credentialId: keyOf.id, publicKey: 'spki' }
      const subject: RegisteredSubject = {
        kind: 'subject',
        credentialId: nameOf.id,
        subjectKind: 'subject_dn',
        subject: "CN=it's,O=\\C3\\BC ü",
        anchor: '-----BEGIN\nEND-----\n',
      }
      await write(rig, async (tx) => {
        await tx.clients.insert(sampleClient('acme'))
        await tx.clients.insertCredential(keyOf)
        await tx.clients.insertCredential(nameOf)
        await tx.clients.insertRegisteredKey(key)
        await tx.clients.insertRegisteredSubject(subject)
      })
      expect((await rig.store.clients.find(asClientId('acme')))?.certificates).toEqual([key, subject])
      await write(rig, (tx) => tx.clients.delete(asClientId('acme'), rig.clock.now()))
      await write(rig, (tx) => tx.clients.insert(sampleClient('acme')))
      expect((await rig.store.clients.find(asClientId('acme')))?.certificates).toEqual([])
    })
  })

  describe('certificates', () => {
    test('come back as they were kept, newest first, by client and by the state they are in', async ({ rig }) => {
      const start = rig.clock.now()
      const made: IssuedCertificate[] = []
      for (const [i, clientId] of ['acme', 'other', 'acme'].entries()) {
        rig.clock.advance(10)
        made.push(certificate(rig, String(i), { clientId: asClientId(clientId) }))
      }
      await write(rig, async (tx) => {
        for (const one of made) await tx.certificates.insert(one)
        const [first] = made
        if (first !== undefined) {
          await tx.certificates.update({ ...first, revokedAt: start, revocationReason: 'keyCompromise' })
        }
        expect(await tx.certificates.subjectUriOf(asClientId('acme'))).toBe('https://issuer/clients/acme')
        expect(await tx.certificates.subjectUriOf(asClientId('nobody'))).toBeUndefined()
      })
      const { certificates } = rig.store
      const serials = async (filter: object = {}) =>
        (await certificates.list({ limit: 10, ...filter })).items.map(({ serial }) => serial[0])
      expect(await serials()).toEqual(['2', '1', '0'])
      expect(await serials({ clientId: 'acme' })).toEqual(['2', '0'])
      const at = rig.clock.now()
      expect(await serials({ state: { is: 'valid', at } })).toEqual(['2', '1'])
      expect(await serials({ state: { is: 'revoked', at } })).toEqual(['0'])
      expect(await serials({ state: { is: 'expired', at: at + 990 } })).toEqual(['1'])
      const page = await certificates.list({ limit: 2 })
      expect(
        (await certificates.list({ limit: 2, cursor: page.nextCursor })).items.map(({ serial }) => serial[0]),
      ).toEqual(['0'])
      expect(await certificates.find(made[1]?.serial ?? ('' as Serial))).toEqual(made[1])
    })

    test('stay in the revocation list of their authority until a day after their end', async ({ rig }) => {
      const one = certificate(rig, 'a', { revokedAt: rig.clock.now(), revocationReason: 'superseded' })
      await write(rig, async (tx) => {
        await tx.certificates.insert(one)
        await tx.certificates.insert(certificate(rig, 'b'))
        await tx.certificates.insert({
          ...one,
          ...certificate(rig, 'c', { authorityId: 'other' }),
          revokedAt: one.revokedAt,
        })
      })
      const listed = async (at: number) =>
        (await rig.store.certificates.revoked('a', at as EpochMs)).map(({ serial }) => serial)
      expect(await listed(one.notAfter)).toEqual([one.serial])
      expect(await listed(one.notAfter + 86_400_000 - 1)).toEqual([one.serial])
      expect(await listed(one.notAfter + 86_400_000)).toEqual([])
    })

    test('are revoked with their client and stay on record; those that were revoked before keep their moment', async ({
      rig,
    }) => {
      const earlier = rig.clock.now()
      await write(rig, async (tx) => {
        await tx.clients.insert(sampleClient('acme'))
        await tx.certificates.insert(certificate(rig, 'a'))
        await tx.certificates.insert(certificate(rig, 'b', { revokedAt: earlier, revocationReason: 'keyCompromise' }))
        await tx.certificates.insert(certificate(rig, 'c', { clientId: asClientId('other') }))
      })
      rig.clock.advance(50)
      await write(rig, (tx) => tx.clients.delete(asClientId('acme'), rig.clock.now()))
      const { items } = await rig.store.certificates.list({ limit: 10 })
      const by = Object.fromEntries(
        items.map(({ serial, revokedAt, revocationReason }) => [serial[0], [revokedAt, revocationReason]]),
      )
      expect(by).toEqual({
        a: [rig.clock.now(), 'cessationOfOperation'],
        b: [earlier, 'keyCompromise'],
        c: [undefined, undefined],
      })
    })
  })
}
