import type { Config } from '../config/config.ts'
import { every } from '../kernel/background.ts'
import { steadiness } from '../kernel/elapsed.ts'
import { newRequestId } from '../kernel/ids.ts'
import type { KeyAdministration } from '../keys/key-administration.ts'
import { lifecycleRules } from '../keys/key-lifecycle.ts'
import { keySchedule } from '../keys/key-schedule.ts'
import { revokeKey, rotateKeys } from '../keys/manage-keys.ts'
import { jwksFreshness } from '../metadata-endpoint/jwks-freshness.ts'
import type { Core } from './core.ts'
import type { Surroundings } from './surroundings.ts'

const secondMs = 1000

/** Rotates keys when it is time and when somebody says so. For the process that administers; the others only follow. */
export function keyAdministration(
  { change, dataKeys, keyRing }: Core,
  config: Config,
  { clock, random, logger }: Surroundings,
  started: AsyncDisposableStack,
): KeyAdministration {
  const rules = lifecycleRules(
    { algorithm: config.signingAlgorithm, rotationDays: config.keyRotationDays },
    jwksFreshness,
  )
  const keys = { change, dataKeys, rules }
  const schedule = keySchedule(keyRing, keys, {
    clock,
    isSteady: steadiness(clock),
    context: () => ({ actor: 'latchkey', requestId: newRequestId(random, clock.now()), now: clock.now() }),
  })
  every(started, secondMs, logger, () => schedule.run())
  return {
    rules,
    all: () => keyRing.current().all,
    rotate: (context) => rotateKeys(keys, context),
    revoke: (context, kid) => revokeKey(keys, context, kid),
    keepSchedule: () => schedule.run(),
  }
}
