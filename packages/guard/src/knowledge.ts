import { IssuerEndpoints } from './issuer/issuer-endpoints.ts'
import { KeyCache } from './keys/key-cache.ts'
import type { VerificationKeys } from './keys/verification-keys.ts'
import { RevocationFollower } from './revocations/revocation-follower.ts'
import { pause } from './pause.ts'
import type { Revocations } from './revocations/revocations.ts'
import { readSavedDocument, writeSavedDocument } from './saved-state/saved-document.ts'
import { StateKeeper } from './saved-state/state-keeper.ts'
import type { GuardSettings } from './settings.ts'

/** All that a guard knows of its issuer, and the tasks that keep it up to date. */
export interface Knowledge {
  readonly keys: VerificationKeys
  readonly revocations: Revocations
  /**
   * Begins with what was kept, and then to follow. Resolves at once when nothing was kept; else as soon as the issuer answered or failed, and after a second
   * at the latest: what ended while this API was down is then known, and an issuer that hangs costs no more. Never rejects; may be called often.
   */
  start(): Promise<void>
  /** Ends all tasks, and keeps what is known. */
  close(): Promise<void>
}

/** How long requests wait for the issuer although the saved state would do, in milliseconds. */
const firstAnswerMs = 1000

/** Puts keys, revocations and saved state together. Asks nobody before {@link Knowledge.start}. */
export function followIssuer(settings: GuardSettings): Knowledge {
  const { issuer, now, onEvent, clockToleranceSeconds, savedState } = settings
  const endpoints = new IssuerEndpoints(issuer, settings.endpoints)
  const keys = new KeyCache(settings.keys, endpoints)
  const keeper = new StateKeeper(save)
  const revocations = new RevocationFollower(settings.revocations, endpoints, {
    keyEnded: () => void keys.renew(),
    heard: (changed) => savedState && keeper.schedule(changed),
  })
  let starting: Promise<void> | undefined

  async function save(): Promise<void> {
    const { published } = keys
    const known = revocations.snapshot()
    if (savedState === undefined || published === undefined || known === undefined) return
    try {
      await savedState.write(writeSavedDocument({ keys: published, revocations: known }))
    } catch (error) {
      // The name only, as with every fault: a message could quote what it choked on.
      const detail = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : typeof error
      onEvent({ type: 'state.not_saved', detail })
    }
  }

  async function restore(): Promise<void> {
    if (savedState === undefined) return
    const saved = await savedState.read()
    if (saved.outcome === 'none') return
    if (saved.outcome === 'refused') return onEvent({ type: 'state.ignored', reason: saved.reason })
    const nowSeconds = now() / 1000
    const { maxStalenessSeconds } = settings.revocations
    const expected = { issuer, jwksUri: settings.endpoints.jwks_uri, clockToleranceSeconds, maxStalenessSeconds }
    const document = readSavedDocument(saved.text, { ...expected, nowSeconds })
    if (!document.ok) return onEvent({ type: 'state.ignored', reason: document.reason })
    const { keys: keySet, revocations: feed } = document.document
    const usable = (await keys.restore(keySet)) && revocations.restore(feed) === undefined
    if (!usable) return onEvent({ type: 'state.ignored', reason: 'damaged' })
    onEvent({ type: 'state.restored', ageSeconds: nowSeconds - feed.as_of, entries: feed.entries.length })
  }

  async function begin(): Promise<void> {
    await restore().catch(() => onEvent({ type: 'state.ignored', reason: 'unreadable' }))
    const heard = revocations.start()
    if (revocations.snapshot() === undefined) return
    const patience = new AbortController()
    await Promise.race([Promise.allSettled([keys.load(), heard]), pause(firstAnswerMs, patience.signal)])
    patience.abort()
  }

  return {
    keys,
    revocations,
    start() {
      starting ??= begin()
      return starting
    },
    async close() {
      revocations.close()
      await keeper.close()
    },
  }
}
