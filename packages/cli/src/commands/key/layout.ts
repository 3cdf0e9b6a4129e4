import { printable } from '../../output/printable.ts'

/** What a change of keys did beside what it was asked for, a line each. */
export function layOutChanges(changes: {
  readonly activated?: string | undefined
  readonly created: readonly string[]
  readonly removed: readonly string[]
}): string {
  const { activated, created, removed } = changes
  const standby = created.filter((kid) => kid !== activated)
  return [
    ...(activated === undefined ? [] : [`Key ${printable(activated)} signs from now on.\n`]),
    ...standby.map((kid) => `Key ${printable(kid)} is the new standby.\n`),
    ...removed.map((kid) => `Key ${printable(kid)} is removed.\n`),
  ].join('')
}
