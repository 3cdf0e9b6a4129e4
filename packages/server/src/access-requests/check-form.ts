import type { AccessRequestForm } from '@latchkey/portal-contract'
import { adminResourceServer } from '@latchkey/admin-contract'
import { qualifyScope, resourceServerOf, type EpochMs, type Scope } from '@latchkey/protocol'
import { readCidr } from '../network-policy/cidr.ts'
import { done, refused, type Result } from '../kernel/result.ts'
import type { Catalogue } from '../resource-servers/catalogue.ts'
import type { ResourceServer } from '../resource-servers/resource-server.ts'
import { checkAuthentication } from './check-key.ts'
import type { FormProblem } from './form-problem.ts'
import type { RequestDesk } from './desk.ts'

/** The APIs whose scopes a stranger may ask for: neither Latchkey's own nor any that is granted to exclusive clients only. */
export function askableServers(catalogue: Catalogue): readonly ResourceServer[] {
  return [...catalogue.byName.values()]
    .filter(({ name, exclusive, scopes }) => name !== adminResourceServer && !exclusive && scopes.length > 0)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** A scope that can be asked for, with its description; undefined for any other. */
export function askableScope(catalogue: Catalogue, scope: string): { readonly description: string } | undefined {
  const server = catalogue.byName.get(resourceServerOf(scope as Scope) ?? '')
  if (server === undefined || !askableServers(catalogue).includes(server)) return undefined
  return server.scopes.find(({ name }) => qualifyScope(server.name, name) === scope)
}

/** What a form is judged by. */
export type FormRules = Pick<RequestDesk, 'catalogue' | 'authentications'>

/** The form with every address in its one spelling, each scope and address once; or everything that is wrong with it. */
export async function checkForm(
  form: AccessRequestForm,
  rules: FormRules,
  now: EpochMs,
): Promise<Result<AccessRequestForm, FormProblem[]>> {
  const catalogue = rules.catalogue()
  const problems: FormProblem[] = [...(await checkAuthentication(form, rules.authentications, now))]
  for (const [i, { scope }] of form.scopes.entries()) {
    const field = `scopes.${i}.scope`
    if (askableScope(catalogue, scope) === undefined) {
      problems.push({ reason: 'scope.unknown', field, message: 'there is no such scope to ask for' })
    } else if (form.scopes.findIndex((other) => other.scope === scope) < i) {
      problems.push({ reason: 'request.invalid', field, message: 'it is named already' })
    }
  }
  const addresses: string[] = []
  for (const [i, given] of form.source_addresses.entries()) {
    const read = readCidr(given)
    if (!read.ok) problems.push({ reason: 'request.invalid', field: `source_addresses.${i}`, message: read.problem })
    else if (!addresses.includes(read.cidr)) addresses.push(read.cidr)
  }
  return problems.length > 0 ? refused(problems) : done({ ...form, source_addresses: addresses })
}
