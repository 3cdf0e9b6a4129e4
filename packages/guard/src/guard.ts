import type { ProtectedResourceMetadata } from '@latchkey/protocol'
import { GuardConfigurationError } from './configuration-error.ts'
import { followIssuer, type MissingKnowledge } from './knowledge.ts'
import type { GuardOptions } from './options.ts'
import type { Refusal } from './refusal.ts'
import { writeRefusalAnswer, type RefusalAnswer } from './refusal-answer.ts'
import type { RequestFacts } from './request-facts.ts'
import { readRouteDeclaration, type RouteRequirement, type RouteSaying } from './route-requirement.ts'
import { readSettings } from './settings.ts'
import { verify, type Verdict } from './verify.ts'

/** Protects one API. Adapters are in `@latchkey/guard/node`, `/fastify`, `/express` and `/hono`. */
export interface Guard extends AsyncDisposable {
  /** Checks what a route needs, once, when it is registered. Throws {@link GuardConfigurationError}. */
  declare(route: RouteSaying): RouteRequirement
  /**
   * Judges one request. Every refusal is a value, and so is a fault in here (`guard.fault`). Takes only what {@link Guard.declare} of this guard
   * returned, and rejects with {@link GuardConfigurationError} otherwise. What is not checked: see `verify`.
   */
  verify(facts: RequestFacts, requirement: RouteRequirement): Promise<Verdict>
  /** Reports a refusal to the log and writes its answer. */
  refuse(refusal: Refusal): RefusalAnswer
  /** This API's metadata (RFC 9728 §2); `scopes_supported` are the scopes that its routes have declared so far. */
  resourceMetadata(): ProtectedResourceMetadata
  /** The path at which the metadata has to be served (RFC 9728 §3.1); `undefined` when the audience is no URL and no other place was given. */
  readonly resourceMetadataPath: string | undefined
  /**
   * Begins to follow the issuer; the first `verify` does it otherwise. With it before the API listens, the first caller does not wait for the issuer's
   * keys and revocations. Resolves when they are known or could not be had; never rejects.
   */
  start(): Promise<void>
  /** What is needed to judge and is not known at the moment, so that the answer would be 503: for a readiness probe. Asks nobody. */
  missing(): readonly MissingKnowledge[]
  /** Ends following, once the API takes no more requests, and writes the saved state. A guard that is not closed does not keep the process alive either. */
  close(): Promise<void>
}

/**
 * Makes a guard. Throws {@link GuardConfigurationError} when an option is wrong or unknown. Does not need the issuer to be up: until its keys and
 * revocations are known, tokens are answered with 503. Asks the issuer nothing before the first `verify` or {@link Guard.start}.
 */
export function createGuard(options: GuardOptions): Guard {
  const settings = readSettings(options)
  const knowledge = followIssuer(settings)
  const declared = new WeakSet<RouteRequirement>()
  const scopesSupported = new Set<string>()
  const { resourceMetadataUrl } = settings

  return {
    declare(route) {
      const requirement = readRouteDeclaration(route, settings.resourceServer)
      declared.add(requirement)
      if (requirement.followsRules) {
        if (options.credential === undefined) {
          throw new GuardConfigurationError(
            "A route follows the issuer's rules, and the guard has no credential to ask for them",
            'Pass credential: { clientId, clientSecret } of `latchkey resource-server credential` to createGuard',
          )
        }
        knowledge.needRules()
      }
      for (const scope of requirement.scopes) scopesSupported.add(scope)
      return requirement
    },

    async verify(facts, requirement) {
      if (!declared.has(requirement)) {
        throw new GuardConfigurationError(
          'verify was given a requirement that this guard did not make',
          'Call guard.declare({ scopes }) once when the route is registered, and pass what it returns',
        )
      }
      try {
        return await verify(facts, requirement, settings, knowledge)
      } catch (error) {
        // The name only: a message could quote what it choked on.
        const detail = error instanceof Error ? error.name : typeof error
        return { ok: false, refusal: { reason: 'guard.fault', detail, requiredScopes: requirement.scopes } }
      }
    },

    refuse(refusal) {
      const { reason, detail, clientId, address } = refusal
      settings.onEvent({
        type: 'request.refused',
        reason,
        ...(detail !== undefined && { detail }),
        ...(clientId !== undefined && { clientId }),
        ...(address !== undefined && { address }),
      })
      return writeRefusalAnswer(refusal, resourceMetadataUrl)
    },

    resourceMetadata: () => ({
      resource: settings.audience,
      authorization_servers: [settings.issuer],
      scopes_supported: [...scopesSupported].toSorted(),
      bearer_methods_supported: ['header'],
    }),

    resourceMetadataPath: resourceMetadataUrl === undefined ? undefined : new URL(resourceMetadataUrl).pathname,

    async start() {
      await knowledge.start()
      // A clock that throws is no reason to fail here: verify tells of it.
      const { keys, revocations } = knowledge
      const asking = [() => keys.load(), () => revocations.contact()]
      await Promise.allSettled(asking.map(async (ask) => ask()))
    },

    missing: () => knowledge.missing(),
    close: () => knowledge.close(),
    [Symbol.asyncDispose]: () => knowledge.close(),
  }
}
