import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { claimCommand } from './claim/claim-command.ts'
import { Failure, misuse } from './failure.ts'

const help = `Usage: latchkey-client claim LINK --to TARGET [--code CODE] [--csr FILE | --certificate FILE] [--force] [--json]

Takes the credential behind a delivery link to where it belongs, without anybody seeing it.

  LINK              the link as it was sent, whole; or - to read it from standard input; or left out, with the
                    link in LATCHKEY_DELIVERY_LINK: then it is in no list of processes
  --to env:FILE     a file of three variables, for sh, docker --env-file and systemd
  --to json:FILE    the same as JSON
  --to k8s:NAME     a Kubernetes Secret, to standard output: latchkey-client claim … --to k8s:NAME | kubectl apply -f -
  --to stdout       the three variables, to standard output
  --csr FILE        for a link that delivers a certificate: the signing request that it is issued for. Without it the
                    key is made here, and never leaves this machine
  --certificate FILE  for a client with a certificate of its own: that certificate
  --code CODE       the one-time code, where the link needs one; or in LATCHKEY_DELIVERY_CODE
  --force           replace a file that is there
  --json            say what happened as JSON (never the secret)

A file is written whole or not at all, readable by its owner alone, and only then the server is told that the
credential arrived. What could not be written is not acknowledged: the server revokes it, and a new link is needed.

A certificate, its key and what the server is trusted by are written beside env:FILE as client.pem, client.key and
server-ca.pem; the variables LATCHKEY_CERT_FILE, LATCHKEY_KEY_FILE and LATCHKEY_MTLS_CA_FILE name them.

A server with a certificate of a private authority: name the authority's file (PEM) in LATCHKEY_CA_FILE. Then no other
authority is believed, and nothing is sent to a server that it did not certify.

Exit code: 0 done, 1 refused or not possible, 2 not used as it can be.
`

/** Commands of later versions: known, so that they are refused by name. */
const notYet: ReadonlySet<string> = new Set(['token', 'curl', 'whoami', 'rotate', 'scan'])

/** Runs one command line (without node and script) and answers the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const isJson = args.includes('--json')
  try {
    await perform(args)
    return 0
  } catch (error) {
    const failure = error instanceof Failure ? error : unexpected(error)
    const { error: name, message, hint } = failure
    process.stderr.write(
      isJson ? `${JSON.stringify({ error: name, message, hint })}\n` : `latchkey-client: ${message} — ${hint}\n`,
    )
    return failure.exitCode
  }
}

async function perform(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args)
  if (values.version === true) {
    process.stdout.write(`${version()}\n`)
    return
  }
  const [command, ...rest] = positionals
  if (values.help === true || command === undefined || command === 'help') {
    process.stdout.write(help)
    return
  }
  if (notYet.has(command)) {
    throw new Failure(
      2,
      'not_yet',
      `this version does not have latchkey-client ${command} yet`,
      '--help shows what it has',
    )
  }
  if (command !== 'claim') throw misuse('there is no such command')
  await claimCommand({
    links: rest,
    to: values.to,
    code: values.code,
    csr: values.csr,
    certificate: values.certificate,
    force: values.force === true,
    json: values.json === true,
  })
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        to: { type: 'string' },
        code: { type: 'string' },
        csr: { type: 'string' },
        certificate: { type: 'string' },
        force: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
      },
    })
  } catch {
    // Its message can quote what was given, which may be a link.
    throw misuse('an option is unknown, or lacks its value')
  }
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}

/** A mistake of ours: said without what it was about, because that may be a secret. */
function unexpected(error: unknown): Failure {
  const name = error instanceof Error ? error.name : 'unknown'
  return new Failure(
    1,
    'fault',
    `something went wrong inside (${name})`,
    'please report it with the command, without the link',
    {
      cause: error,
    },
  )
}
