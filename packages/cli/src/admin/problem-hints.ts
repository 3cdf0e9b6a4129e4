import type { ProblemReason } from '@latchkey/admin-contract'

/** What to do next, by the reason that the server gave. */
export const problemHints: Readonly<Record<ProblemReason, string>> = {
  'client.unknown': '`latchkey client list` shows the clients',
  'client.is_resource_server': 'use the verbs of `latchkey resource-server`',
  'credential.unknown': '`latchkey secret list CLIENT` shows the secrets of a client',
  'credential.not_a_secret': '`latchkey secret list CLIENT` shows the secrets of a client',
  'resource_server.unknown': '`latchkey resource-server list` shows the resource servers',
  'resource_server.name_taken':
    'choose another name, or change the one there is with `latchkey resource-server update`',
  'resource_server.audience_taken': 'choose another audience, or add the scopes to the resource server that has it',
  'resource_server.in_use': 'take the scopes from the clients first, or do both with --force',
  'resource_server.reserved': 'choose another name',
  'scope.unknown': '`latchkey resource-server show NAME` shows the scopes that there are',
  'scope.in_use': 'take the scope from the clients first, or do both with --force',
  'token.not_ours': '`latchkey token inspect TOKEN` says more',
  'token.expired': 'there is nothing left to revoke',
  'token.denied': '`latchkey client test CLIENT` says more',
  'request.invalid': 'see --help for what the command takes',
  'request.malformed': 'is the server of another version? `latchkey --version` and `latchkey doctor` tell',
  'request.too_large': 'do it in smaller steps',
  'request.unsupported_media_type': 'is the server of another version? `latchkey --version` and `latchkey doctor` tell',
  'route.unknown': 'is the server of another version? `latchkey --version` and `latchkey doctor` tell',
  'route.method_not_allowed': 'is the server of another version? `latchkey --version` and `latchkey doctor` tell',
  'store.unavailable': 'try again in a few seconds; `latchkey doctor` may say more',
  'audit.unwritable': 'look at disk space and permissions of the data directory; `latchkey doctor` may say more',
  'server.fault': 'look for the request id in the log of the server',
}
