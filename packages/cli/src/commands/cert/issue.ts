import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { secondsOption } from '../../option-values.ts'
import { moment } from '../../output/layout.ts'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'

interface Options {
  readonly csr?: string
  readonly expiresIn?: number
}

/** `cert issue`: the certificate and its chain go to standard output, what is said of them to standard error. */
export function issueVerb(): Command {
  return verb<Options>({
    usage: 'issue <CLIENT>',
    summary: 'issue a certificate to a client, for the key of its signing request',
    examples: [
      'latchkey cert issue 1f9k2m4p6r8t0v1x3z5b7d9f --csr client.csr > client.pem',
      'latchkey cert issue 1f9k2m4p6r8t0v1x3z5b7d9f --csr - --expires-in 2592000 --json < client.csr',
    ],
    notes:
      'The request gives its public key (P-256) and nothing else: openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key -subj / -out client.csr. The private key stays where it was made.',
    options: [
      new Option('--csr <FILE>', 'the certificate signing request, PEM or DER in base64; - for standard input'),
      secondsOption('--expires-in <S>', 'life of the certificate, 3600 to 7776000 seconds (90 days)'),
    ],
    async run({ args: [clientId = ''], options, admin, print }) {
      if (options.csr === undefined) throw misuse('a certificate needs a signing request', 'name its file with --csr')
      const csr = options.csr === '-' ? await text(process.stdin) : readCsr(options.csr)
      const { certificates } = await admin()
      const issued = await certificates.issue({
        params: { client_id: clientId },
        body: { csr, expires_in: options.expiresIn },
      })
      for (const ignored of issued.ignored)
        process.stderr.write(`note: ${printable(ignored)} of the request is ignored\n`)
      print(issued, () => {
        process.stderr.write(`Certificate ${printable(issued.serial)} holds until ${moment(issued.not_after)}.\n`)
        return issued.certificate + issued.chain
      })
    },
  })
}

function readCsr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw misuse(
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
      'name the file of the request',
    )
  }
}
