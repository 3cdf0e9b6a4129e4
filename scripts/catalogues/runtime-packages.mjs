// The table of runtime packages in README.md against the dependencies that the published packages declare: --check compares. Reasons are written by hand.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (file) => readFileSync(root + file, 'utf8')

const declared = new Set(
  readdirSync(`${root}packages`)
    .flatMap((name) => Object.keys(JSON.parse(read(`packages/${name}/package.json`)).dependencies ?? {}))
    .filter((name) => !name.startsWith('@latchkey/')),
)
const section = /\n## Runtime packages\n([^]*?)\n## /.exec(read('README.md'))?.[1] ?? ''
const rows = [...section.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)]
const listed = new Set(rows.map(([, name]) => name))
const counted = Number(/^(\d+) packages/m.exec(section)?.[1])

const problems = [
  ...[...declared].filter((name) => !listed.has(name)).map((name) => `README.md does not list ${name}`),
  ...[...listed]
    .filter((name) => !declared.has(name))
    .map((name) => `README.md lists ${name}, which nothing depends on`),
  ...rows
    .filter(([, , reason]) => reason.trim().length < 10)
    .map(([, name]) => `README.md gives no reason for ${name}`),
  ...(counted === declared.size ? [] : [`README.md counts ${counted} packages; there are ${declared.size}`]),
]
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
