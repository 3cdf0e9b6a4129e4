import { existsSync, writeFileSync } from 'node:fs'
import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { secondsOption } from '../../option-values.ts'
import { moment } from '../../output/layout.ts'
import { printable } from '../../output/printable.ts'
import { readInput } from '../../read-input.ts'
import { verb } from '../../verb.ts'

interface Options {
  readonly csr?: string
  readonly expiresIn?: number
  readonly pkcs12?: string
}

/** `cert issue`: the certificate and its chain go to standard output, what is said of them to standard error. */
export function issueVerb(): Command {
  return verb<Options>({
    usage: 'issue <CLIENT>',
    summary: 'issue a certificate to a client, for the key of its signing request or for a new one',
    examples: [
      'latchkey cert issue 1f9k2m4p6r8t0v1x3z5b7d9f --csr client.csr > client.pem',
      'latchkey cert issue 1f9k2m4p6r8t0v1x3z5b7d9f --csr - --expires-in 2592000 --json < client.csr',
      'latchkey cert issue 1f9k2m4p6r8t0v1x3z5b7d9f --pkcs12 client.p12',
    ],
    notes:
      'The request gives its public key (P-256) and nothing else: openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key -subj / -out client.csr. The private key stays where it was made. Without --csr a key is made by the server and printed before the certificate, once; with --pkcs12 all goes into a file, and its password is printed.',
    options: [
      new Option('--csr <FILE>', 'the certificate signing request, PEM or DER in base64; - for standard input'),
      new Option(
        '--pkcs12 <FILE>',
        'without --csr: write key, certificate and chain to this file, for Java, .NET and browsers',
      ),
      secondsOption('--expires-in <S>', 'life of the certificate, 3600 to 7776000 seconds (90 days)'),
    ],
    async run({ args: [clientId = ''], options, admin, print }) {
      const { pkcs12: file } = options
      if (options.csr !== undefined && file !== undefined) {
        throw misuse('--pkcs12 holds a private key, and --csr brings none', 'leave out one of them')
      }
      if (file !== undefined && existsSync(file)) throw misuse(`${file} is there already`, 'name a new file')
      const csr = options.csr === undefined ? undefined : await readInput(options.csr)
      const { certificates } = await admin()
      const issued = await certificates.issue({
        params: { client_id: clientId },
        body: { csr, pkcs12: file === undefined ? undefined : true, expires_in: options.expiresIn },
      })
      for (const ignored of issued.ignored)
        process.stderr.write(`note: ${printable(ignored)} of the request is ignored\n`)
      if (file !== undefined) writeNew(file, Buffer.from(issued.pkcs12 ?? '', 'base64'))
      print(issued, () => {
        process.stderr.write(`Certificate ${printable(issued.serial)} holds until ${moment(issued.not_after)}.\n`)
        if (file !== undefined) return `${file} has its password:\n${issued.pkcs12_password}\n`
        return (issued.private_key ?? '') + issued.certificate + issued.chain
      })
    },
  })
}

/** For its owner alone. Fails with `usage`, and the certificate is issued all the same: `cert revoke` ends it. */
function writeNew(file: string, content: Buffer): void {
  try {
    writeFileSync(file, content, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw misuse(`${file} cannot be written (${code})`, 'revoke the certificate, and name a file that can be written')
  }
}
