import { describe } from 'vitest'
import type { OpenBackend } from './backend.ts'
import { describeAccessRequests } from './access-requests-contract.ts'
import { describeAnswers } from './answers-contract.ts'
import { describeAudit } from './audit-contract.ts'
import { describeCertificates } from './certificates-contract.ts'
import { describeChanges } from './changes-contract.ts'
import { describeClients } from './clients-contract.ts'
import { describeDeliveryLinks } from './delivery-links-contract.ts'
import { describeDoctor } from './doctor-contract.ts'
import { describeEndings } from './endings-contract.ts'
import { describeFeed } from './feed-contract.ts'
import { describeKeys } from './keys-contract.ts'
import { describeNetworkPolicies } from './network-policies-contract.ts'
import { describeNotices } from './notices-contract.ts'
import { describeLargerChanges } from './larger-changes-contract.ts'
import { describeResourceServers } from './resource-servers-contract.ts'
import { describeRevocations } from './revocations-contract.ts'

/**
 * What every backend must do alike: the one suite that each of them passes. `openBackend` makes an empty, migrated database for each test.
 * Does not cover what only one backend has (files, locks, notifications): that stands beside the backend.
 */
export function describeStoreContract(name: string, openBackend: OpenBackend): void {
  describe(`store contract: ${name}`, () => {
    describeClients(openBackend)
    describeResourceServers(openBackend)
    describeChanges(openBackend)
    describeLargerChanges(openBackend)
    describeFeed(openBackend)
    describeRevocations(openBackend)
    describeKeys(openBackend)
    describeAudit(openBackend)
    describeDoctor(openBackend)
    describeAnswers(openBackend)
    describeDeliveryLinks(openBackend)
    describeCertificates(openBackend)
    describeNetworkPolicies(openBackend)
    describeNotices(openBackend)
    describeEndings(openBackend)
    describeAccessRequests(openBackend)
  })
}
