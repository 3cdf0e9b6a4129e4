import { z } from 'zod'
import * as field from './fields.ts'

/** Where a client may call from: building blocks of the operations on clients, and of files. */

/** `enforce`: other addresses are refused. `report`: they pass, and the audit log says what would have been refused. */
export const networkMode = z.enum(['enforce', 'report'])

/** An IPv4 or IPv6 address or CIDR; what stands in it is judged by the server, which names the entry. */
export const cidr: z.ZodString = z
  .string()
  .min(2)
  .max(64)
  .regex(/^[0-9A-Fa-f:./]+$/, 'an address or CIDR, such as 198.51.100.7, 198.51.100.0/24 or 2001:db8:42::/48')
  .meta({ examples: ['198.51.100.0/24'] })

/** `POST /configurations/**`: a method and a path, `*` for every method or any one segment, `**` at the end for whatever follows. */
export const endpointPattern: z.ZodString = z
  .string()
  .min(3)
  .max(512)
  .regex(/^[\x20-\x7e]+$/, 'a method and a path, such as POST /configurations/**')
  .meta({ examples: ['POST /configurations/**'] })

export const note: z.ZodString = field.displayName

/** Largest lists. */
export const maxAddresses = 500
const maxCoveredApis = 100
const maxEndpoints = 100

const writtenAddress = z.strictObject({
  cidr,
  /** For the team: whose it is. */
  note: note.optional(),
  /** From then on it is as if it were not there. */
  ends_at: field.endSeconds.optional(),
})

export const writtenCoverage = z.strictObject({
  token_endpoint: z.boolean(),
  apis: z
    .array(
      z.strictObject({
        name: field.resourceServerName,
        /** Absent: every call of it. */
        endpoints: z.array(endpointPattern).min(1).max(maxEndpoints).optional(),
      }),
    )
    .max(maxCoveredApis),
})

const changeShape = {
  mode: networkMode.optional(),
  allow: z.array(writtenAddress).min(1).max(maxAddresses).optional(),
  /** What is covered; null, and absent in a new policy: the token endpoint and every API alike. */
  covers: writtenCoverage.nullable().optional(),
}

/** A first policy; enforced when it says nothing else. */
export const newNetwork = z.strictObject({ ...changeShape, allow: changeShape.allow.unwrap() })
export type NewNetwork = z.infer<typeof newNetwork>

/** What is absent stays; `allow` replaces the list. */
export const networkChange = z.strictObject(changeShape)
export type NetworkChange = z.infer<typeof networkChange>

const coverage = z.strictObject({
  token_endpoint: z.boolean(),
  apis: z.array(z.strictObject({ name: z.string(), endpoints: z.array(z.string()).optional() })),
})

/** A policy that restricts. */
export const networkPolicy = z.strictObject({
  /** Names it in tokens. */
  id: z.string(),
  /** Grows with every change. */
  version: z.int(),
  mode: networkMode,
  allow: z.array(
    z.strictObject({ cidr: z.string(), note: z.string().optional(), ends_at: field.epochSeconds.optional() }),
  ),
  /** Absent: the token endpoint and every API. */
  covers: coverage.optional(),
})
export type NetworkPolicy = z.infer<typeof networkPolicy>

/** An address as somebody calls from it; judged by the server. */
export const sourceAddress: z.ZodString = z
  .string()
  .min(2)
  .max(64)
  .regex(/^[0-9A-Fa-f:.]+$/, 'an IPv4 or IPv6 address')
  .meta({ examples: ['198.51.100.7'] })
