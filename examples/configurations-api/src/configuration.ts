import { z } from 'zod'

/** What a caller writes: how a product is set up. The pair of product and name is unique. */
export interface ConfigurationInput {
  product: string
  name: string
  options: Record<string, string | number | boolean>
}

export interface Configuration extends ConfigurationInput {
  id: string
  /** RFC 3339, UTC. */
  created_at: string
  updated_at: string
  /** Counts the changes, from 1; the entity tag is made of it. */
  revision: number
}

const name = z.string().min(1).max(200)
const optionName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
const optionValue = z.union([z.string().max(1000), z.number(), z.boolean()])

// Strict objects: an unknown field is refused by name, so that a misspelt one is not lost.
const input = z.strictObject({
  product: name,
  name,
  options: z
    .record(optionName, optionValue)
    .refine((options) => Object.keys(options).length <= 100, 'At most 100 options'),
})
const stored = input.extend({
  id: z.uuid(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  revision: z.int().min(1),
})

export const configurationInputSchema: z.ZodType<ConfigurationInput, ConfigurationInput> = input
export const configurationSchema: z.ZodType<Configuration, Configuration> = stored
