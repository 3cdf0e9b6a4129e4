import type { Brand } from '@latchkey/protocol'
import type { CompiledClient, CompiledCredential } from '../../clients/compiled-client.ts'

/** A client that has proved who it is, and with what. Only this folder makes one: that is what the brand is for. */
export type AuthenticatedClient = Brand<
  {
    readonly client: CompiledClient
    /** Every credential that took part; a token names them all. */
    readonly credentials: readonly CompiledCredential[]
    /** `x5t#S256` of the certificate that took part; what it is given is bound to it (RFC 8705 §3). */
    readonly boundTo: string | undefined
  },
  'AuthenticatedClient'
>
