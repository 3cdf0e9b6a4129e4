import type { EpochMs } from '@latchkey/protocol'
import { every } from '../kernel/background.ts'
import { describeError } from '../kernel/faults.ts'
import { publishRevocations, type PublishedRevocations } from '../tokens/revocation-feed.ts'
import type { Core } from './core.ts'
import type { Surroundings } from './surroundings.ts'

const minuteMs = 60_000

/** The feed in memory, kept as new as the database. */
export async function openPublishedRevocations(
  core: Core,
  issuer: string,
  { clock, logger }: Surroundings,
  started: AsyncDisposableStack,
): Promise<PublishedRevocations> {
  const published = await publishRevocations(issuer, core.store.revocations, clock.now())
  core.onChange(async (notice) => {
    if (!notice.revocations) return
    await published.refresh().catch((error: unknown) => {
      // Made up for at the next contact; until then `as_of` stands still.
      logger.error({ error: describeError(error) }, 'revocations could not be read')
    })
  })
  core.onContact((asOf) => published.confirm(asOf))
  every(started, minuteMs, logger, () => {
    published.forgetExpired((clock.now() - minuteMs) as EpochMs)
    return Promise.resolve()
  })
  return published
}
