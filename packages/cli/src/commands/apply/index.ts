import type { AdminClient, DeclarationPlan } from '@latchkey/admin-contract'
import { Option, type Command } from 'commander'
import { Failure, misuse, UnfavourableAnswer } from '../../failure.ts'
import { printableJson } from '../../output/printable.ts'
import { verb } from '../../verb.ts'
import { yesOption } from '../confirmation.ts'
import { planText, summary } from './plan-text.ts'
import { invalidDeclaration, readDeclaration, type DeclarationFile } from './read-declaration.ts'

interface Options {
  readonly file?: string
  readonly plan?: boolean
  readonly prune?: boolean
  readonly yes?: boolean
  readonly failOnDrift?: boolean
}

/** `apply`: plans, shows the plan, and applies exactly that plan or nothing. */
export function applyCommand(): Command {
  return verb<Options>({
    usage: 'apply',
    summary: 'make resource servers and clients what a file says',
    examples: [
      'latchkey apply -f latchkey.yaml --plan',
      'latchkey apply -f latchkey.yaml',
      'latchkey apply -f latchkey.yaml --prune --yes',
      'latchkey export | latchkey apply -f - --plan --fail-on-drift',
    ],
    notes: `The file is YAML or JSON, as \`latchkey export\` prints it; it never holds a secret. All of it is applied, or nothing. What the file
does not name stays, unless --prune is given. Changes that end tokens say so in the plan.`,
    options: [
      new Option('-f, --file <FILE>', 'the file, or - for standard input'),
      new Option('--plan', 'only show what would be done').conflicts('yes'),
      new Option('--prune', 'also delete what the sections of the file do not name'),
      new Option('--fail-on-drift', 'with --plan: end with 1 when there is something to do'),
      yesOption(),
    ],
    async run({ options, admin, print }) {
      if (options.file === undefined) throw misuse('no file is named', 'name one with -f, or - for standard input')
      if (options.failOnDrift === true && options.plan !== true)
        throw misuse('--fail-on-drift goes with --plan', 'add --plan')
      const file = await readDeclaration(options.file)
      const client = await admin()
      const plan = await planFor(client, file, options.prune)
      if (options.plan === true) {
        print({ applied: false, ...plan }, () => planText(plan))
        if (options.failOnDrift === true && plan.steps.length > 0) throw new UnfavourableAnswer()
        return
      }
      requireYesForDeletions(plan, options)
      if (options.json !== true) process.stdout.write(planText(plan))
      if (plan.steps.length > 0) {
        const { digest } = plan
        await client.declaration.apply({ body: { document: file.document, prune: options.prune, digest } })
      }
      if (options.json === true) process.stdout.write(`${printableJson({ applied: plan.steps.length > 0, ...plan })}\n`)
      else if (plan.steps.length > 0) process.stdout.write('Applied.\n')
    },
  })
}

/** The server's plan. Fails with `declaration.impossible`, naming every reason with its line. */
async function planFor(
  client: AdminClient,
  file: DeclarationFile,
  prune: boolean | undefined,
): Promise<DeclarationPlan> {
  const plan = await client.declaration.plan({ body: { document: file.document, prune } })
  if (plan.problems.length === 0) return plan
  const { message, hint } = invalidDeclaration(
    file.name,
    plan.problems.map(({ field, message: text }) => ({
      line: file.lineOf(field),
      message: field === '' ? text : `${field}: ${text}`,
    })),
  )
  throw new Failure(1, 'declaration.impossible', message, hint)
}

/** Deleting is all that no second apply undoes: a client's secrets go with it. */
function requireYesForDeletions(plan: DeclarationPlan, { yes }: Options): void {
  const deletions = plan.steps.filter(({ action }) => action === 'delete')
  if (deletions.length > 0 && yes !== true) {
    const names = deletions.slice(0, 5).map(({ id }) => id)
    const shown = names.join(', ') + (deletions.length > names.length ? ', …' : '')
    throw misuse(
      `deleting ${shown} cannot be undone (${summary(plan.steps)})`,
      'look at it with --plan, then repeat the command with --yes',
    )
  }
}
