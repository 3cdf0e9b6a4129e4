import { adminContract, adminRoutes, type AdminRoute } from '@latchkey/admin-contract'
import { z } from 'zod'

/** JSON Schema, as far as the contract's inputs use it. */
interface Shape {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Shape>>
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly oneOf?: readonly Shape[]
}

export interface ContractOperation {
  /** `clients.create`. */
  readonly name: string
  readonly route: AdminRoute
  readonly parts: Readonly<Record<string, Shape>>
}

/** One thing wrong with one field. */
export interface BadField {
  /** `scopes.0.name`. */
  readonly field: string
  readonly what: string
  /** The whole body that holds it. */
  readonly body: unknown
}

/** Every operation of the contract with the shape of its input: read off the contract, so that none can be forgotten. */
export function contractOperations(): ContractOperation[] {
  const routes = adminRoutes as Readonly<Record<string, Readonly<Record<string, AdminRoute>>>>
  return Object.entries(adminContract).flatMap(([noun, verbs]) =>
    Object.entries(verbs).map(([verb, procedure]) => {
      const route = routes[noun]?.[verb]
      const { inputSchema } = procedure['~orpc']
      if (route === undefined || inputSchema === undefined) throw new Error(`${noun}.${verb} has no route or no input`)
      const shape = z.toJSONSchema(inputSchema, { io: 'input', unrepresentable: 'any' }) as Shape
      return { name: `${noun}.${verb}`, route, parts: shape.properties ?? {} }
    }),
  )
}

const samples: readonly (readonly [type: string, value: unknown])[] = [
  ['string', 'text'],
  ['number', 1.5],
  ['boolean', true],
  ['null', null],
  ['array', []],
  ['object', {}],
]

/** Everything that is wrong with a body in one place: types, sizes, characters, unknown names; at every depth. */
export function* badBodies(shape: Shape): Generator<BadField> {
  yield* badValues(shape, '', (value) => value)
}

function* badValues(shape: Shape, field: string, around: (value: unknown) => unknown): Generator<BadField> {
  const alternatives = shape.anyOf ?? shape.oneOf ?? [shape]
  const accepted = new Set(
    alternatives.flatMap(({ type, const: fixed }) => type ?? (fixed === undefined ? [] : typeof fixed)),
  )
  const bad = (what: string, value: unknown): BadField => ({ field, what, body: around(value) })
  for (const [type, value] of samples) {
    // A fraction is bad where whole numbers are wanted; an open shape takes anything.
    if (accepted.size > 0 && !accepted.has(type)) yield bad(`a value of type ${type}`, value)
  }
  if (accepted.has('string')) {
    yield bad('70,000 characters', 'x'.repeat(70_000))
    yield bad('a NUL', 'a\0b')
    yield bad('half of a surrogate pair', 'a\ud800b')
  }
  if (accepted.has('integer')) yield* [-1, 1e300].map((value) => bad(`the number ${value}`, value))
  if (accepted.has('array')) yield bad('10,000 elements', Array(10_000).fill(0))
  for (const { properties, items } of alternatives) {
    const below = field === '' ? '' : `${field}.`
    if (properties !== undefined) {
      yield { field: `${below}colour`, what: 'an unknown field', body: around({ colour: 1 }) }
      for (const [name, inner] of Object.entries(properties)) {
        yield* badValues(inner, below + name, (value) => around({ [name]: value }))
      }
    }
    if (items !== undefined) yield* badValues(items, `${below}0`, (value) => around([value]))
  }
}

/** The path with an id of the right form that names nothing. */
export function pathToNothing({ route }: ContractOperation): string {
  return route.path.replaceAll(/\{\w+\}/g, 'nothing1')
}
