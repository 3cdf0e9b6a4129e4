import { rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { Failure, misuse } from '../failure.ts'
import { tryFile, writeFileWhole } from './write-file.ts'

/** What is written: letters, digits, `_`, `-` and the characters of URLs, so that no form has to quote it; and PEM. */
export interface Credential {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string | undefined
  /** Where a certificate is shown; undefined where none takes part. */
  readonly mtlsTokenEndpoint: string | undefined
  readonly pems: Pems
}

/** Each where there is one. */
export interface Pems {
  /** PKCS #8. */
  readonly key: string | undefined
  /** The certificate, and what stands above it. */
  readonly certificate: string | undefined
  /** What the listener for certificates is trusted by. */
  readonly serverAuthority: string | undefined
}

/** Where a credential goes. */
export interface Target {
  /** For people. */
  readonly name: string
  readonly usesStandardOutput: boolean
  /** Whether it can hold a certificate. */
  readonly takesCertificates: boolean
  /** Looks whether it could be written, with these files beside it, and leaves nothing behind. Throws Failure. */
  prepare(beside?: readonly (keyof Pems)[]): void
  /** Writes it whole or not at all. Throws whatever is in the way. */
  write(credential: Credential): void
}

/** What the files beside a file of variables are called, and the variables that name them. */
const places: readonly (readonly [name: keyof Pems, file: string, variable: string])[] = [
  ['key', 'client.key', 'LATCHKEY_KEY_FILE'],
  ['certificate', 'client.pem', 'LATCHKEY_CERT_FILE'],
  ['serverAuthority', 'server-ca.pem', 'LATCHKEY_MTLS_CA_FILE'],
]

/** Reads `--to`. Throws Failure. */
export function readTarget(to: string | undefined, force: boolean): Target {
  if (to === undefined)
    throw misuse('nothing says where the credential is to go', 'name it with --to, for example --to env:.env')
  const [kind = '', ...rest] = to.split(':')
  const where = rest.join(':')
  if (to === 'stdout') {
    return standardOutput('standard output', false, (credential) => variables(pairsOf(credential)))
  }
  if (kind === 'env' && where !== '') return variablesFile(where, force)
  if (kind === 'json' && where !== '') return jsonFile(where, force)
  if (kind === 'k8s' && /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(where)) {
    return standardOutput(`the Kubernetes Secret ${where}, on standard output`, true, (credential) =>
      secret(where, credential),
    )
  }
  if (kind === 'vault') {
    throw new Failure(2, 'not_yet', 'this version does not have --to vault yet', '--help shows what it has')
  }
  throw misuse('--to does not name a target', 'env:FILE, json:FILE, k8s:NAME (lower case, digits, - and .) or stdout')
}

type Pair = readonly [name: string, value: string]

function pairsOf({ issuer, clientId, clientSecret, mtlsTokenEndpoint }: Credential): Pair[] {
  const all: readonly (readonly [string, string | undefined])[] = [
    ['LATCHKEY_ISSUER', issuer],
    ['LATCHKEY_CLIENT_ID', clientId],
    ['LATCHKEY_CLIENT_SECRET', clientSecret],
    ['LATCHKEY_MTLS_TOKEN_ENDPOINT', mtlsTokenEndpoint],
  ]
  return all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
}

/** As sh, `docker --env-file` and systemd read alike: nothing in it has to be quoted. */
function variables(pairs: readonly Pair[]): string {
  return pairs.map(([name, value]) => `${name}=${value}\n`).join('')
}

function secret(name: string, credential: Credential): string {
  const files = places.flatMap(([pem, file]) => {
    const text = credential.pems[pem]
    return text === undefined ? [] : [[file, text] as const]
  })
  // A string of JSON is one of YAML.
  const data = [...pairsOf(credential), ...files].map(([key, value]) => `  ${key}: ${JSON.stringify(value)}\n`)
  return `apiVersion: v1
kind: Secret
metadata:
  name: ${JSON.stringify(name)}
type: Opaque
stringData:
${data.join('')}`
}

function standardOutput(name: string, takesCertificates: boolean, format: (credential: Credential) => string): Target {
  return {
    name,
    usesStandardOutput: true,
    takesCertificates,
    prepare: () => undefined,
    write(credential) {
      // At once and whole: what a pipe does not take fails here, and not after the acknowledgement.
      const bytes = Buffer.from(format(credential))
      for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at)
    },
  }
}

/** Key, certificate and authority in files of their own beside it; the variables name them, and come last: they say that the others are there. */
function variablesFile(given: string, force: boolean): Target {
  const folder = path.dirname(path.resolve(given))
  const filesBeside = places.map(([pem, file, variable]) => ({ pem, file: path.join(folder, file), variable }))
  return {
    name: given,
    usesStandardOutput: false,
    takesCertificates: true,
    prepare(beside = []) {
      tryFile(given, force)
      for (const { pem, file, variable } of filesBeside) {
        if (!beside.includes(pem)) continue
        if (!/^[\w./@:+-]+$/.test(file)) {
          throw new Failure(
            1,
            'target',
            `the path of ${given} has characters that ${variable} would have to quote`,
            'take a folder with plain letters; nothing was spent',
          )
        }
        tryFile(file, force)
      }
    },
    write(credential) {
      const named: Pair[] = []
      const written: string[] = []
      try {
        for (const { pem, file, variable } of filesBeside) {
          const text = credential.pems[pem]
          if (text === undefined) continue
          writeFileWhole(file, force, text)
          written.push(file)
          named.push([variable, file])
        }
        writeFileWhole(given, force, variables([...pairsOf(credential), ...named]))
      } catch (error) {
        for (const file of written) rmSync(file, { force: true })
        throw error
      }
    },
  }
}

function jsonFile(given: string, force: boolean): Target {
  return {
    name: given,
    usesStandardOutput: false,
    takesCertificates: true,
    prepare: () => tryFile(given, force),
    write: (credential) => writeFileWhole(given, force, json(credential)),
  }
}

function json({ issuer, clientId, clientSecret, mtlsTokenEndpoint, pems }: Credential): string {
  const document = {
    issuer,
    client_id: clientId,
    client_secret: clientSecret,
    mtls_token_endpoint: mtlsTokenEndpoint,
    certificate: pems.certificate,
    private_key: pems.key,
    server_ca: pems.serverAuthority,
  }
  return `${JSON.stringify(document, null, 2)}\n`
}
