import type { EpochMs, Scope } from '@latchkey/protocol'
import type { ClientId } from '../clients/client.ts'
import type { NetworkPolicy, NetworkPolicyId } from './network-policy.ts'

/** What this room reads outside a change. */
export interface NetworkPolicyReads {
  /** With the scopes that its client is granted. */
  find(id: NetworkPolicyId): Promise<{ readonly policy: NetworkPolicy; readonly scopes: readonly Scope[] } | undefined>
}

/** When the team was last told that a client came from where it may not. */
export interface AddressAlertWrites {
  lastAlert(clientId: ClientId): Promise<EpochMs | undefined>
  /** Does nothing for a client without a policy. */
  noteAlert(clientId: ClientId, at: EpochMs): Promise<void>
}
