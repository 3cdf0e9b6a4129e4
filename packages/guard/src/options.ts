import type { ProxyDeclaration } from '@latchkey/protocol'
import type { GuardEventListener } from './events.ts'
import type { SavedState } from './saved-state/saved-state.ts'
import type { IssuerCredential } from './resource-server/issuer-credential.ts'
import type { VerificationAlgorithm } from './verification-algorithm.ts'

/** What an API says once about itself and the issuer that it trusts. */
export interface GuardOptions {
  /** The authorization server, exactly as in its metadata and in `iss`: https, or plain http on a loopback host. */
  readonly issuer: string
  /** This API's audience: an absolute URI, compared with `aud` by octets; its resource identifier (RFC 9728 §1.2) if it is an http(s) URL. */
  readonly audience: string
  /** This API's name at the issuer. Scopes of others (`<other name>/…`) are not seen. */
  readonly resourceServer: string
  /** Default `['ES256']`, which Latchkey signs with unless it is told otherwise. RFC 9068 §4 knows also RS256; `ML-DSA-65` needs a runtime that has it. */
  readonly algorithms?: readonly VerificationAlgorithm[] | undefined
  /** How far the clocks of issuer and API may be apart, in seconds: 0 to 300, default 60. */
  readonly clockToleranceSeconds?: number | undefined
  /** Where the issuer's keys are. Default: what the issuer's metadata says (RFC 8414). */
  readonly jwksUri?: string | undefined
  /** Where the issuer's revocation feed is. Default: what the issuer's metadata says (`lk_revocations_uri`). */
  readonly revocationsUri?: string | undefined
  /** This API's own credential at the issuer (`latchkey resource-server credential`): for network policies that tokens name only, and for endpoint rules. Default: none. */
  readonly credential?: IssuerCredential | undefined
  /** Where the issuer answers it. Default: `/oauth2/resource-server` below the issuer. */
  readonly resourceServerUri?: string | undefined
  /** Where callers reach this API's metadata, if not at the URL that RFC 9728 §3.1 derives from the audience. */
  readonly resourceMetadataUrl?: string | undefined
  /** Longest token that is looked at, in bytes: 512 to 65536, default 8192. node:http takes 16 KiB of headers. */
  readonly maxTokenBytes?: number | undefined
  /**
   * Proxies in front of this API, each with the one header in which it says where a call came from and, if it ends the callers' TLS, the one in which it hands on
   * their certificates: `{ networks: ['10.0.0.0/8'], addressHeader: 'x-forwarded-for', certificateHeader: 'client-cert' }`. Every other header is ignored, and these too
   * from anybody else. Default: none; only what the connection itself says counts.
   */
  readonly proxies?: readonly ProxyDeclaration[] | undefined
  /**
   * How many tokens are remembered whose signature was verified, by their SHA-256: 0 to 1000000, default 10000 (some 20 MB). Saves the signature of a token that comes
   * again, and no check whose outcome can change. On Node only.
   */
  readonly maxRememberedTokens?: number | undefined
  readonly keys?: KeyCacheOptions | undefined
  readonly revocations?: RevocationOptions | undefined
  /** Keeps keys, revocations, rules and policies beyond this process, so that the API can restart while the issuer is away. Default: not kept. */
  readonly savedState?: SavedState | undefined
  /**
   * Must honour `signal` and `redirect`. Default: the global fetch, and on Node, for the stream of revocations, one that does not keep the process alive;
   * with yours, the stream may do that until `guard.close()`.
   */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Milliseconds since the epoch. Default: the system clock. */
  readonly now?: (() => number) | undefined
  /** Takes the precise reason of every refusal, and what becomes of the keys. */
  readonly onEvent?: GuardEventListener | undefined
}

/** How the issuer's keys are kept. */
export interface KeyCacheOptions {
  /** Upper bound of the freshness that the issuer's Cache-Control gives, in seconds: 10 to 86400, default 900. */
  readonly maxFreshnessSeconds?: number | undefined
  /** How long known keys serve while the issuer does not answer, in seconds since it last did: 10 to 86400, default 3600. */
  readonly maxStalenessSeconds?: number | undefined
  /** How often unknown key ids can make the guard ask the issuer once five such questions were spent, in seconds: 1 to 3600, default 2. */
  readonly unknownKeyCooldownSeconds?: number | undefined
  /** For one load of the keys, discovery included, in milliseconds: 10 to 60000, default 5000. */
  readonly timeoutMs?: number | undefined
  /** 1024 to 1048576, default 65536. */
  readonly maxResponseBytes?: number | undefined
}

/** How the issuer's revocations are followed. */
export interface RevocationOptions {
  /**
   * How long tokens are taken while nothing is heard, in seconds since the issuer was last in contact with its database: 10 to 86400, default 3600.
   * An issuer's outage shorter than this is none of the API's; a revocation can go unheard for as long.
   */
  readonly maxStalenessSeconds?: number | undefined
  /** How many revocations are kept, about 150 bytes each: 1000 to 5000000, default 250000. Beyond it the guard answers 503. */
  readonly maxEntries?: number | undefined
  /** For one document of the feed, discovery included, in milliseconds: 10 to 60000, default 5000. */
  readonly timeoutMs?: number | undefined
  /** Of one document or event: 1024 to 67108864, default 4194304. */
  readonly maxResponseBytes?: number | undefined
}
