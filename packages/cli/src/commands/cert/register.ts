import type { RegisteredKey, RegisteredSubject } from '@latchkey/admin-contract'
import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { readInput } from '../../read-input.ts'
import { verb } from '../../verb.ts'
import { registeredKeyTable, registeredSubjectTable } from './layout.ts'

interface Options {
  readonly certificate?: string
  readonly anchor?: string
  readonly subjectDn?: string
  readonly sanDns?: string
  readonly sanUri?: string
  readonly sanIp?: string
  readonly sanEmail?: string
}

/** `cert register` */
export function registerVerb(): Command {
  return verb<Options>({
    usage: 'register <CLIENT>',
    summary: 'register a certificate that a client made itself, or its name under a foreign authority',
    examples: [
      'latchkey cert register 1f9k2m4p6r8t0v1x3z5b7d9f --certificate partner.pem',
      'latchkey cert register 1f9k2m4p6r8t0v1x3z5b7d9f --san-dns billing.acme.example --anchor acme-ca.pem',
      'latchkey cert register 1f9k2m4p6r8t0v1x3z5b7d9f --subject-dn "CN=billing,O=Acme,C=DE" --anchor acme-ca.pem',
    ],
    notes:
      'With --certificate any certificate with the same key is the client’s from then on (self_signed_tls_client_auth, RFC 8705 §2.2). With one of the five names, any certificate with that name is, that leads to the anchor (tls_client_auth, §2.1): the first certificate of the file, which counts for this client alone; those after it are intermediates below it. `openssl x509 -noout -subject -nameopt RFC2253` prints a subject as it has to be written. `latchkey client show` lists what is registered, `latchkey cert unregister` takes it away.',
    options: [
      new Option('--certificate <FILE>', 'the certificate that the client made, PEM; - for standard input'),
      new Option('--subject-dn <NAME>', 'its subject, as RFC 4514 writes it'),
      new Option('--san-dns <NAME>', 'a host among its alternative names'),
      new Option('--san-uri <URI>', 'a URI among its alternative names'),
      new Option('--san-ip <ADDRESS>', 'an address among its alternative names'),
      new Option('--san-email <ADDRESS>', 'an e-mail address among its alternative names'),
      new Option('--anchor <FILE>', 'the authority of these names, PEM; - for standard input'),
    ],
    async run({ args: [clientId = ''], options, admin, print }) {
      const { certificate: file, anchor: anchorFile } = options
      const names = {
        subject_dn: options.subjectDn,
        san_dns: options.sanDns,
        san_uri: options.sanUri,
        san_ip: options.sanIp,
        san_email: options.sanEmail,
      }
      const named = Object.values(names).filter((name) => name !== undefined).length
      if (file === undefined && named === 0) {
        throw misuse(
          'which certificate is missing',
          'name its file with --certificate, or a name of it (--san-dns, …) with its --anchor',
        )
      }
      if (named > 1 || (file !== undefined && (named > 0 || anchorFile !== undefined))) {
        throw misuse(
          'a certificate is registered in one way',
          'give --certificate alone, or one name with its --anchor',
        )
      }
      const params = { client_id: clientId }
      if (file !== undefined) {
        const certificate = await readInput(file)
        const { registeredKeys } = await admin()
        const registered: RegisteredKey = await registeredKeys.create({ params, body: { certificate } })
        return print(registered, () => registeredKeyTable([registered]))
      }
      if (anchorFile === undefined) {
        throw misuse('a name counts under an authority', 'name the file of its certificate with --anchor')
      }
      const anchor = await readInput(anchorFile)
      const { registeredSubjects } = await admin()
      const registered: RegisteredSubject = await registeredSubjects.create({ params, body: { ...names, anchor } })
      return print(registered, () => registeredSubjectTable([registered]))
    },
  })
}
