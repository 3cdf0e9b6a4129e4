import { z } from 'zod'
import { endpointPattern } from './network.ts'

/** Largest list. */
export const maxEndpointRules = 1000

/** With or without the prefix of its API. */
const ruleScope: z.ZodString = z
  .string()
  .max(200)
  .regex(/^(?:[a-z0-9][a-z0-9.-]{0,62}\/)?[A-Za-z0-9][A-Za-z0-9._:-]{0,126}$/, 'the name of a scope of this API')
  .meta({ examples: ['configurations.write'] })

/** What one kind of call needs. */
const endpointRule = z.strictObject({
  endpoint: endpointPattern,
  /** All of them; none: any token of this API. */
  scopes: z.array(ruleScope).max(50),
  /** The token has to say where its client may call from. */
  allowed_ip: z.boolean().optional(),
  /** The token has to be bound to a certificate. */
  certificate: z.boolean().optional(),
})
export type EndpointRule = z.infer<typeof endpointRule>

/** In the order in which they are tried: the first that matches decides. */
export const endpointRules = z.array(endpointRule).max(maxEndpointRules)

/** As they are answered: scopes without the prefix. */
export const answeredRules = z.array(
  z.strictObject({
    endpoint: z.string(),
    scopes: z.array(z.string()),
    allowed_ip: z.boolean().optional(),
    certificate: z.boolean().optional(),
  }),
)
