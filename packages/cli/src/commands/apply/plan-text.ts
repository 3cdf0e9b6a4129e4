import { styleText } from 'node:util'
import type { DeclarationChange, DeclarationPlan, DeclarationStep } from '@latchkey/admin-contract'
import { printable } from '../../output/printable.ts'

/** How many names are listed of what the file does not name. */
const maxNames = 10

/** A plan for people: what is added (+), changed (~) and deleted (-), grouped, with a line that sums it up. Coloured on a terminal only. */
export function planText({ steps, not_in_file }: DeclarationPlan): string {
  const servers = steps.filter(({ kind }) => kind === 'resource_server')
  const clients = steps.filter(({ kind }) => kind === 'client')
  const parts = [
    group('Resource servers', servers),
    group('Clients', clients),
    leftAlone('resource server', not_in_file.resource_servers) + leftAlone('client', not_in_file.clients),
    `${summary(steps)}\n`,
  ]
  return parts.filter((part) => part !== '').join('\n')
}

/** One sentence. */
export function summary(steps: readonly DeclarationStep[]): string {
  if (steps.length === 0) return 'Nothing to do: the server is as the file says.'
  const count = (action: string) => steps.filter((step) => step.action === action).length
  const ended = new Set(steps.flatMap((step) => step.ends_tokens_of)).size
  const tokens = ended === 0 ? 'no tokens end' : `the tokens of ${ended} ${ended === 1 ? 'client' : 'clients'} end`
  return `${count('create')} to create, ${count('update')} to change, ${count('delete')} to delete; ${tokens}.`
}

const signs = { create: '+', update: '~', delete: '-' } as const
const colours = { '+': 'green', '~': 'yellow', '-': 'red' } as const

function group(title: string, steps: readonly DeclarationStep[]): string {
  if (steps.length === 0) return ''
  return `${styleText('bold', title, { stream: process.stdout })}\n${steps.map((step) => stepText(step)).join('')}`
}

function stepText(step: DeclarationStep): string {
  const name = step.name === undefined ? '' : `  ${step.name}`
  const first = line(2, signs[step.action], `${step.id}${name}${endings(step)}`)
  // What goes is named; what it was, the audit log keeps.
  return first + (step.action === 'delete' ? '' : changesText(step))
}

function changesText({ action, changes }: DeclarationStep): string {
  const added = new Set(
    changes.filter(({ field, before }) => field === 'scopes' && before === null).map(({ after }) => after),
  )
  const described = (scope: DeclarationChange['after']) =>
    changes.find(({ field }) => field === `scopes.${scope}.description`)?.after
  return changes
    .filter(({ field }) => action === 'update' || field !== 'name')
    .filter(({ field }) => !added.has(describedScope(field) ?? null))
    .map((change) => changeLine(change, added.has(change.after) ? described(change.after) : undefined))
    .join('')
}

/** The scope whose description this field is. */
function describedScope(field: string): string | undefined {
  return /^scopes\.(.*)\.description$/.exec(field)?.[1]
}

function endings({ kind, action, ends_tokens_of: ended }: DeclarationStep): string {
  if (ended.length === 0)
    return action === 'create' && kind === 'client' ? '  (without a secret: `latchkey secret add` makes one)' : ''
  if (kind === 'client') return '  (ends its tokens)'
  return `  (ends the tokens of ${ended.length} ${ended.length === 1 ? 'client' : 'clients'})`
}

/** A scope that is new has its description beside it. */
function changeLine({ field, before, after }: DeclarationChange, description: DeclarationChange['after'] = ''): string {
  if (field === 'scopes')
    return before === null ? line(6, '+', `scope ${after}  ${description}`.trimEnd()) : line(6, '-', `scope ${before}`)
  const scope = describedScope(field)
  const label = scope === undefined ? field : `description of ${scope}`
  if (before === null) return line(6, '+', `${label}: ${after}`)
  if (after === null) return line(6, '-', `${label}: ${before}`)
  return line(6, '~', `${label}: ${before} → ${after}`)
}

function line(indent: number, sign: '+' | '~' | '-', text: string): string {
  return `${' '.repeat(indent)}${styleText(colours[sign], `${sign} ${printable(text)}`, { stream: process.stdout })}\n`
}

function leftAlone(what: string, names: readonly string[]): string {
  if (names.length === 0) return ''
  const shown = names.slice(0, maxNames).join(', ') + (names.length > maxNames ? ', …' : '')
  return `Not in the file, left alone: ${names.length} ${what}${names.length === 1 ? '' : 's'} (${printable(shown)})\n`
}
