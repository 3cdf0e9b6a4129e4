import type { Command } from 'commander'
import { moment, record } from '../../output/layout.ts'
import { verb } from '../../verb.ts'
import { readToken } from './read-token.ts'

/** Claims that are moments (RFC 7519 §2, NumericDate). */
const moments = new Set(['exp', 'iat', 'nbf'])

/** `token inspect`: exit code 0 whatever the token is. */
export function inspectVerb(): Command {
  return verb({
    usage: 'inspect <TOKEN>',
    summary: 'say what a token is, and whether and why it is (not) active; - reads standard input',
    examples: ['latchkey token inspect - < token.txt', 'latchkey token get CLIENT | latchkey token inspect - --json'],
    async run({ args: [argument = ''], admin, print }) {
      const token = await readToken(argument)
      const { tokens } = await admin()
      const { active, reason, header, claims } = await tokens.inspect({ body: { token } })
      print({ active, reason, header, claims }, () =>
        record([
          ['active', active ? 'yes' : 'no'],
          ['reason', reason],
          ...Object.entries(header ?? {}).map(([name, value]) => [`header ${name}`, describe(name, value)] as const),
          ...Object.entries(claims ?? {}).map(([name, value]) => [name, describe(name, value)] as const),
        ]),
      )
    },
  })
}

function describe(name: string, value: unknown): string | readonly string[] {
  if (typeof value === 'string') return value
  if (moments.has(name) && Number.isInteger(value) && Math.abs(value as number) < 8.64e12) {
    return `${moment(value as number)} (${value as number})`
  }
  return JSON.stringify(value)
}
