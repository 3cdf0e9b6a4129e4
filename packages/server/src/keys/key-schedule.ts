import type { ChangeContext } from '../audit/change.ts'
import type { Clock } from '../kernel/clock.ts'
import { dueSteps } from './key-lifecycle.ts'
import type { LiveKeyRing } from './live-key-ring.ts'
import { keepSchedule, type KeyManagement } from './manage-keys.ts'

/** Rotates and removes keys when it is time. */
export interface KeySchedule {
  /**
   * Does what is due, if anything is. Cheap when nothing is: it looks at the ring in memory. Throws Fault `store.unavailable`, `keys.altered`; then nothing
   * was done, and the key that signs goes on signing.
   */
  run(): Promise<void>
}

/** How long the schedule rests after a failure, in milliseconds: whatever it is about, tokens are signed meanwhile. */
const restMs = 30_000

export function keySchedule(
  ring: LiveKeyRing,
  keys: KeyManagement,
  surroundings: { readonly clock: Clock; readonly isSteady: () => boolean; readonly context: () => ChangeContext },
): KeySchedule {
  const { clock, isSteady, context } = surroundings
  let notBefore = -Infinity
  let running: Promise<void> | undefined

  async function work(): Promise<void> {
    const now = clock.now()
    // A clock that was set must not retire or remove keys before their time.
    if ((now < notBefore && now > notBefore - restMs) || !isSteady()) return
    if (dueSteps(ring.current().all, now, keys.rules).length === 0) return
    try {
      const outcome = await keepSchedule(keys, context())
      // Another server was first, and this one has not heard of it.
      if (!outcome.ok) await ring.reload()
    } catch (error) {
      notBefore = now + restMs
      throw error
    }
  }

  return {
    run: () =>
      (running ??= work().finally(() => {
        running = undefined
      })),
  }
}
