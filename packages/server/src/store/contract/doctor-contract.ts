import { describe, expect } from 'vitest'
import type { OpenBackend } from './backend.ts'
import { rigTest } from './rig.ts'
import { asMs, sampleClient, sampleCredential, write } from './sample-records.ts'

export function describeDoctor(openBackend: OpenBackend): void {
  const test = rigTest(openBackend)

  describe('what the doctor asks', () => {
    test('a sound database, and when the last change was recorded', async ({ rig }) => {
      const { doctor } = rig.store
      await doctor.ping()
      expect(await doctor.check()).toBe('ok')
      expect(await doctor.lastAuditTime()).toBeUndefined()
      await write(rig, (tx) => tx.clients.insert(sampleClient('acme')))
      expect(await doctor.lastAuditTime()).toBe(rig.clock.now())
      expect(await doctor.check()).toBe('ok')
    })

    test('secrets in force that end soon, soonest first: not those that ended, were revoked, are disabled or are no secret', async ({
      rig,
    }) => {
      await write(rig, async (tx) => {
        await tx.clients.insert(sampleClient('acme'))
        await tx.clients.insert(sampleClient('off', { state: 'disabled' }))
        for (const [client, id, fields] of [
          ['acme', 'later', { expiresAt: asMs(199) }],
          ['acme', 'soon', { expiresAt: asMs(101) }],
          ['acme', 'now', { expiresAt: asMs(100) }],
          ['acme', 'far', { expiresAt: asMs(200) }],
          ['acme', 'for ever', {}],
          ['acme', 'revoked', { expiresAt: asMs(150), revokedAt: asMs(1) }],
          ['acme', 'local', { expiresAt: asMs(150), kind: 'local' }],
          ['off', 'disabled', { expiresAt: asMs(150) }],
        ] as const) {
          await tx.clients.insertCredential(sampleCredential(client, id, fields))
        }
      })
      expect(await rig.store.doctor.expiringSecrets(asMs(100), asMs(200))).toEqual([
        { clientId: 'acme', id: 'soon', expiresAt: 101 },
        { clientId: 'acme', id: 'later', expiresAt: 199 },
      ])
    })
  })
}
