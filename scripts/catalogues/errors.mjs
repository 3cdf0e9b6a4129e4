// docs/errors.md, made from the tables in the code: --check compares, --write writes.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { edgeReasons } from '../../packages/admin-contract/src/problems.ts'
import { portalProblems } from '../../packages/portal-contract/src/problems.ts'
import { refusalTable } from '../../packages/guard/src/refusal.ts'
import { problemKind } from '../../packages/server/src/admin-api/problem-kinds.ts'
import { changeRefusals } from '../../packages/server/src/kernel/refusal.ts'
import { faultMeanings } from '../../packages/server/src/kernel/faults.ts'
import { publicRefusals, refusalMeanings } from '../../packages/server/src/token-endpoint/refusals.ts'
import { inactiveTokens } from '../../packages/server/src/tokens/inspect.ts'

const file = fileURLToPath(new URL('../../docs/errors.md', import.meta.url))

/** A Markdown table; pipes inside cells are escaped. */
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')

const problems = (reasons) =>
  table(
    ['reason', 'status', 'meaning'],
    reasons.map((reason) => [`\`${reason}\``, problemKind(reason).status, problemKind(reason).title]),
  )

const text = `# Errors

Made from the code by \`npm run catalogues\`; \`npm run check\` compares.

Every answer carries \`X-Request-Id\`. What a caller sees is coarse on purpose; the precise reason is in the audit log under that id:
\`latchkey audit list --request-id ID\`.

## Token, introspection and revocation endpoint

${table(
  ['reason in the audit log', 'status', '`error`', '`error_description`', 'meaning'],
  Object.entries(publicRefusals).map(([reason, { status, error, description }]) => [
    `\`${reason}\``,
    status,
    `\`${error}\``,
    description,
    refusalMeanings[reason],
  ]),
)}

## Why a token is not active

At the introspection endpoint all of these are \`{"active":false}\`; \`latchkey token inspect\` tells them apart.

${table(
  ['reason', 'meaning'],
  Object.entries(inactiveTokens).map(([reason, meaning]) => [`\`${reason}\``, meaning]),
)}

## At an API that guard protects

${table(
  ['reason in the log', 'status', '`code`', 'challenge `error`', 'what the caller reads'],
  Object.entries(refusalTable).map(([reason, { status, code, error, description }]) => [
    `\`${reason}\``,
    status,
    `\`${code}\``,
    error === undefined ? '' : `\`${error}\``,
    description,
  ]),
)}

## Public pages, and latchkey-client

Problem documents (RFC 9457). \`latchkey-client\` exits with 1.

${table(
  ['reason', 'status', 'meaning'],
  Object.entries(portalProblems).map(([reason, { status, title }]) => [`\`${reason}\``, status, title]),
)}

## Admin API and command line

Refusals, as problem documents (RFC 9457); the command line exits with 1, and with 2 for \`request.invalid\`.

${problems(Object.keys(changeRefusals))}

A request that does not get as far as a decision:

${problems(edgeReasons)}

## Faults

A fault at the start is one line with its remedy, and exit code 2.

${table(
  ['code', 'meaning'],
  Object.entries(faultMeanings).map(([code, meaning]) => [`\`${code}\``, meaning]),
)}
`

if (process.argv[2] === '--write') {
  writeFileSync(file, text)
} else if (readFileSync(file, { encoding: 'utf8', flag: 'a+' }) !== text) {
  console.error('docs/errors.md differs from the code: run `npm run catalogues`')
  process.exitCode = 1
}
