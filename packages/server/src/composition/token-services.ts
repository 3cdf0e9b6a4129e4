import type { EpochMs } from '@latchkey/protocol'
import { every } from '../kernel/background.ts'
import { steadiness } from '../kernel/elapsed.ts'
import { createTokenInspector, type TokenInspector } from '../tokens/inspect.ts'
import { createTokenIssuer, type TokenIssuer } from '../tokens/issue.ts'
import type { Core } from './core.ts'
import type { Surroundings } from './surroundings.ts'

/** Revocations are kept this much longer than any token they could concern: for a clock that was wrong when they were made. */
const revocationMarginMs = 86_400_000

const hourMs = 3_600_000

export interface TokenServices {
  readonly issuer: TokenIssuer
  readonly inspector: TokenInspector
}

export function createTokenServices(
  { keys, store }: Core,
  issuer: string,
  { clock, random }: Surroundings,
): TokenServices {
  return {
    issuer: createTokenIssuer(issuer, keys, random),
    inspector: createTokenInspector(issuer, keys, store.tokenStatus, clock),
  }
}

/** Removes revocations that concern no token any more. One process of a server does. */
export function forgetOldRevocations(
  { store }: Core,
  { clock, logger }: Surroundings,
  started: AsyncDisposableStack,
): void {
  const isSteady = steadiness(clock)
  every(started, hourMs, logger, async () => {
    if (isSteady()) await store.tokenStatus.removeExpired((clock.now() - revocationMarginMs) as EpochMs)
    else logger.warn('the clock was set: old revocations are kept until the next start')
  })
}
