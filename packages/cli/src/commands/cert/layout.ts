import type { RegisteredKey, RegisteredSubject } from '@latchkey/admin-contract'
import { moment, table } from '../../output/layout.ts'

/** The keys of certificates that a client made itself. */
export function registeredKeyTable(keys: readonly RegisteredKey[]): string {
  return table(
    keys,
    [
      { title: 'KEY', value: (key) => key.id },
      { title: 'SHA-256', value: (key) => key.sha256 },
      { title: 'STATE', value: (key) => key.state },
      { title: 'CREATED', value: (key) => moment(key.created_at) },
      { title: 'LAST USED', value: (key) => moment(key.last_used_at) },
      { title: 'REVOKED', value: (key) => moment(key.revoked_at) },
    ],
    'The client has no registered keys.',
  )
}

/** Names of a client in certificates of foreign authorities. */
export function registeredSubjectTable(subjects: readonly RegisteredSubject[]): string {
  return table(
    subjects,
    [
      { title: 'NAME', value: (one) => one.id },
      { title: 'KIND', value: (one) => one.kind },
      { title: 'SUBJECT', value: (one) => one.subject },
      { title: 'STATE', value: (one) => one.state },
      { title: 'CREATED', value: (one) => moment(one.created_at) },
      { title: 'LAST USED', value: (one) => moment(one.last_used_at) },
      { title: 'REVOKED', value: (one) => moment(one.revoked_at) },
    ],
    'The client is registered under no name.',
  )
}
