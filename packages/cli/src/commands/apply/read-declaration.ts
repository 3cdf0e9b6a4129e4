import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { DeclarationDocument } from '@latchkey/admin-contract'
import { isNode, LineCounter, parseDocument, type Document } from 'yaml'
import { Failure } from '../../failure.ts'
import { isSecretKey } from './secret-keys.ts'

/** A document as it stands in a file, and where in it everything stands. */
export interface DeclarationFile {
  readonly name: string
  readonly document: DeclarationDocument
  /** The line, counted from 1, of a dotted path such as `clients.3.scopes.0`; of what is around it when it is not there. */
  readonly lineOf: (field: string) => number
}

/** One thing that is wrong with a file. Never quotes what stands there: it may be a secret. */
export interface FileProblem {
  readonly line: number
  readonly message: string
}

/** Nothing sensible is larger; the server takes 8 MiB as JSON. In bytes. */
const maxFileBytes = 16 * 1024 * 1024

/** How many problems are printed. */
const maxShown = 20

/**
 * Reads a declaration, YAML or JSON, from a file or, for `-`, from standard input. Fails with `declaration.unreadable` and `declaration.invalid`, exit
 * code 2, with the line of each problem; no message quotes a value.
 */
export async function readDeclaration(file: string): Promise<DeclarationFile> {
  const name = file === '-' ? 'standard input' : file
  const source = await readSource(file, name)
  const { declarationDocument, holdsSecret, secretInDeclaration } = await import('@latchkey/admin-contract')
  const secrets = source
    .split('\n')
    .flatMap((each, i) => (holdsSecret(each) ? [{ line: i + 1, message: secretInDeclaration }] : []))
  // First and alone: a comment or a key can hold one as well, and any other message could be read over.
  if (secrets.length > 0) throw invalidDeclaration(name, secrets)
  const { document, lineOf } = parse(source, name)
  const parsed = declarationDocument.safeParse(content(document, name))
  if (parsed.success) return { name, document: parsed.data, lineOf }
  throw invalidDeclaration(
    name,
    parsed.error.issues.flatMap((issue) => {
      const path = issue.path.map((segment) => (typeof segment === 'number' ? segment : String(segment)))
      if (issue.code !== 'unrecognized_keys') return [problemAt(lineOf, path, wordsFor(issue))]
      return issue.keys.map((key) => problemAt(lineOf, [...path, key], unknownField(key)))
    }),
  )
}

/** The failure that names every problem of a file, in the order of its lines. */
export function invalidDeclaration(name: string, problems: readonly FileProblem[]): Failure {
  const sorted = problems.toSorted((a, b) => a.line - b.line)
  const shown = sorted.slice(0, maxShown).map(({ line, message }) => `line ${line}: ${message}`)
  const more = sorted.length > maxShown ? `; and ${sorted.length - maxShown} more` : ''
  return new Failure(
    2,
    'declaration.invalid',
    `${name}: ${shown.join('; ')}${more}`,
    'nothing was changed; correct the file',
  )
}

async function readSource(file: string, name: string): Promise<string> {
  let source: string
  try {
    source = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8')
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw unreadable(`cannot read ${name} (${why})`)
  }
  if (source.length > maxFileBytes) throw unreadable(`${name} is larger than 16 MiB`)
  if (source.includes('\uFFFD')) throw unreadable(`${name} is not UTF-8`)
  return source
}

function parse(
  source: string,
  name: string,
): { readonly document: Document; readonly lineOf: DeclarationFile['lineOf'] } {
  const lines = new LineCounter()
  // Its own messages quote the source.
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: true, prettyErrors: false })
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line)
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ code, pos }) => ({
      line: lineAt(pos[0]),
      message: `not YAML or JSON (${words(code)})`,
    }))
    throw invalidDeclaration(name, problems)
  }
  return { document, lineOf: (field) => lineAt(offsetOf(document, field === '' ? [] : field.split('.'))) }
}

function content(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch {
    throw invalidDeclaration(name, [{ line: 1, message: 'an alias without its anchor, or too many aliases' }])
  }
}

/** Where the innermost part of the path that is there begins; of a field, where its key does. */
function offsetOf(document: Document, path: readonly string[]): number {
  for (let length = path.length; length > 0; length--) {
    const parts = path.slice(0, length).map((part) => (/^\d+$/.test(part) ? Number(part) : part))
    const key = keyNode(document, parts)
    const node = key ?? document.getIn(parts, true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return document.contents?.range?.[0] ?? 0
}

function keyNode(document: Document, parts: readonly (string | number)[]): unknown {
  const last = parts.at(-1)
  if (typeof last !== 'string') return undefined
  const parent = parts.length === 1 ? document.contents : document.getIn(parts.slice(0, -1), true)
  const items = isNode(parent) && 'items' in parent && Array.isArray(parent.items) ? (parent.items as unknown[]) : []
  for (const item of items) {
    const key = typeof item === 'object' && item !== null && 'key' in item ? item.key : undefined
    if (isNode(key) && 'value' in key && key.value === last) return key
  }
  return undefined
}

function problemAt(
  lineOf: DeclarationFile['lineOf'],
  path: readonly (string | number)[],
  message: string,
): FileProblem {
  const field = path.join('.')
  return { line: lineOf(field), message: field === '' ? message : `${field}: ${message}` }
}

function unknownField(key: string): string {
  if (!isSecretKey(key)) return 'unknown field'
  return 'no declaration holds a secret. Take it out; if it is in use, revoke it (`latchkey secret revoke ID`), and make another with `latchkey secret add CLIENT`'
}

interface Issue {
  readonly code?: string | undefined
  readonly message: string
  readonly input?: unknown
}

function wordsFor(issue: Issue): string {
  if (issue.code === 'invalid_format') return `expected ${issue.message}`
  // An id of digits only, or one that reads as a number, a date or a truth value.
  if (issue.code === 'invalid_type' && issue.message.includes('expected string'))
    return `${issue.message} (put the value in quotes)`
  return issue.message
}

function words(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ')
}

function unreadable(message: string): Failure {
  return new Failure(2, 'declaration.unreadable', message, 'name a YAML or JSON file with -f, or - for standard input')
}
