import type { FieldError } from '@latchkey/admin-contract'
import { ProblemError } from './problem.ts'

/** One complaint of a validator (Standard Schema v1), with what zod adds for unknown keys. */
export interface ValidationIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
  readonly code?: string
  readonly keys?: readonly string[]
}

type Part = FieldError['in']

const maxErrors = 20
/** Of a field name that the caller made up. */
const maxNameLength = 100
const parts: Readonly<Record<string, Part>> = { params: 'path', query: 'query', body: 'body', headers: 'header' }

/** Turns a validator's complaints into one problem that names every field, unknown ones included. */
export function invalidRequest(issues: readonly ValidationIssue[]): ProblemError {
  const byField = new Map<string, FieldError>()
  for (const error of issues.flatMap((issue) => fieldErrors(issue))) {
    const place = `${error.in} ${error.field}`
    // One complaint a field: an empty name is too short and also of the wrong form, which helps nobody.
    if (!byField.has(place)) byField.set(place, error)
  }
  const errors = [...byField.values()].slice(0, maxErrors)
  const [first] = errors
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  const where = first === undefined || first.field === '' ? '' : `${first.field}: `
  return new ProblemError('request.invalid', {
    detail: `${where}${first?.message ?? 'the request is invalid'}${more}`,
    field: first?.field || undefined,
    errors,
  })
}

function fieldErrors(issue: ValidationIssue): FieldError[] {
  const path = (issue.path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment))
  // The message of a form is its description: `1 to 64 of A-Z a-z 0-9 -`.
  if (issue.code === 'invalid_format') return [fieldError(path, `expected ${issue.message}`)]
  if (issue.code !== 'unrecognized_keys') return [fieldError(path, issue.message)]
  // At the top stand the parts of the request: an unknown one is a part that the operation does not take.
  const keys = issue.keys ?? []
  if (path.length === 0) return keys.map((key) => fieldError([key], `this operation takes no ${parts[key] ?? key}`))
  return keys.map((key) => fieldError([...path, key], 'unknown field'))
}

function fieldError([part = '', ...path]: readonly string[], message: string): FieldError {
  const field = path.map((segment) => shorten(segment)).join('.')
  return { in: parts[part] ?? 'body', field, message }
}

function shorten(name: string): string {
  return name.length > maxNameLength ? `${name.slice(0, maxNameLength)}…` : name
}
