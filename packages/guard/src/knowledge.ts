import { IssuerEndpoints } from './issuer/issuer-endpoints.ts'
import { KeyCache } from './keys/key-cache.ts'
import type { VerificationKeys } from './keys/verification-keys.ts'
import { NetworkPolicies } from './network/network-policies.ts'
import { EndpointRules } from './resource-server/endpoint-rules.ts'
import { ResourceServerEndpoint } from './resource-server/resource-server-endpoint.ts'
import { RevocationFollower } from './revocations/revocation-follower.ts'
import { pause } from './pause.ts'
import type { Revocations } from './revocations/revocations.ts'
import { readSavedDocument, writeSavedDocument } from './saved-state/saved-document.ts'
import { StateKeeper } from './saved-state/state-keeper.ts'
import type { GuardSettings } from './settings.ts'
import { RememberedTokens } from './remembered-tokens.ts'

/** What a guard answers 503 for want of. */
export type MissingKnowledge = 'keys' | 'revocations' | 'rules'

/** All that a guard knows of its issuer, and the tasks that keep it up to date. */
export interface Knowledge {
  readonly keys: VerificationKeys
  readonly revocations: Revocations
  readonly policies: Pick<NetworkPolicies, 'find'>
  readonly rules: Pick<EndpointRules, 'current'>
  readonly remembered: RememberedTokens
  /** What is needed to judge and is not known at the moment. */
  missing(): readonly MissingKnowledge[]
  /** Whether {@link Knowledge.start} has resolved. */
  readonly hasStarted: boolean
  /** From now on the endpoint rules are needed: they are followed too. */
  needRules(): void
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
  const changed = (): void => {
    if (savedState !== undefined) keeper.schedule(true)
  }
  const endpoint = new ResourceServerEndpoint(settings.resourceServerEndpoint)
  const { maxStalenessSeconds } = settings.revocations
  const policies = new NetworkPolicies({ now, onEvent, maxStalenessSeconds }, endpoint, changed)
  const { resourceServer, audience } = settings
  const rules = new EndpointRules({ resourceServer, audience, now, onEvent, maxStalenessSeconds }, endpoint, changed)
  let needsRules = false
  let starting: Promise<void> | undefined
  let hasStarted = false

  async function save(): Promise<void> {
    const { published } = keys
    const known = revocations.snapshot()
    if (savedState === undefined || published === undefined || known === undefined) return
    try {
      await savedState.write(
        writeSavedDocument({
          keys: published,
          revocations: known,
          rules: rules.published,
          policies: policies.published,
        }),
      )
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
    const expected = { issuer, jwksUri: settings.endpoints.jwks_uri, clockToleranceSeconds, maxStalenessSeconds }
    const document = readSavedDocument(saved.text, { ...expected, nowSeconds })
    if (!document.ok) return onEvent({ type: 'state.ignored', reason: document.reason })
    const { keys: keySet, revocations: feed, rules: keptRules, policies: keptPolicies } = document.document
    const usable = (await keys.restore(keySet)) && revocations.restore(feed) === undefined
    if (!usable) return onEvent({ type: 'state.ignored', reason: 'damaged' })
    if (keptRules !== undefined) rules.restore(keptRules)
    policies.restore(keptPolicies)
    onEvent({ type: 'state.restored', ageSeconds: nowSeconds - feed.as_of, entries: feed.entries.length })
  }

  async function begin(): Promise<void> {
    await restore().catch(() => onEvent({ type: 'state.ignored', reason: 'unreadable' }))
    const heard = revocations.start()
    const ruled = needsRules ? rules.start() : undefined
    if (revocations.snapshot() === undefined) return needsRules && rules.current() === undefined ? ruled : undefined
    const patience = new AbortController()
    await Promise.race([Promise.allSettled([keys.load(), heard, ruled]), pause(firstAnswerMs, patience.signal)])
    patience.abort()
  }

  return {
    keys,
    revocations,
    policies,
    rules,
    remembered: new RememberedTokens(settings.maxRememberedTokens),
    get hasStarted() {
      return hasStarted
    },
    missing() {
      const missing: MissingKnowledge[] = []
      if (!keys.isKnown) missing.push('keys')
      if (!revocations.isKnown) missing.push('revocations')
      if (needsRules && rules.current() === undefined) missing.push('rules')
      return missing
    },
    needRules() {
      needsRules = true
      if (starting !== undefined) void starting.then(() => rules.start())
    },
    start() {
      starting ??= begin().then(() => {
        hasStarted = true
      })
      return starting
    },
    async close() {
      revocations.close()
      rules.close()
      await keeper.close()
    },
  }
}
