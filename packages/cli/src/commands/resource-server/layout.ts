import type { ResourceServer } from '@latchkey/admin-contract'
import { moment, record } from '../../output/layout.ts'
import { ruleText } from './endpoint-options.ts'

/** A resource server, one fact a line. */
export function resourceServerRecord(server: ResourceServer): string {
  return record([
    ['name', server.name],
    ['audience', server.audience],
    ['exclusive', server.exclusive ? 'yes' : undefined],
    ['scopes', server.scopes.map((scope) => [`${server.name}/${scope.name}`, scope.description].join('  ').trimEnd())],
    ['token lifetime', server.token_ttl_seconds === undefined ? undefined : `${server.token_ttl_seconds} s at most`],
    ['endpoint rules', server.endpoint_rules?.map((rule) => ruleText(rule))],
    ['client_id', server.client_id],
    ['created', moment(server.created_at)],
    ['updated', moment(server.updated_at)],
    ['revision', String(server.revision)],
  ])
}
