import type { ClaimedCredential } from '@latchkey/portal-contract'
import { certificateFiles, curlOptions, fileVariables } from './certificate-files.ts'

/** The credential as one place takes it. */
export interface CredentialForm {
  readonly id: string
  readonly title: string
  readonly note: string
  readonly text: string
  /** What a file of it is called; absent where it is a command. */
  readonly file?: string
}

/** Ids and secrets have letters, digits, `_` and `-` alone: no form needs to quote them. The issuer is a URL that the server checked. */
export function credentialForms(credential: ClaimedCredential): readonly CredentialForm[] {
  const { client_id: id, client_name: clientName } = credential
  const name = kebab(clientName) || `latchkey-client-${id.slice(0, 6)}`
  const forms = [variables(credential, name), curl(credential), kubernetes(credential, name), json(credential, name)]
  return credential.client_secret === undefined ? forms : [...forms, managers(credential, name)]
}

/** Where a token is got: with a certificate, where certificates are shown. */
function endpointOf({ mtls_token_endpoint: mtls, token_endpoint: plain }: ClaimedCredential): string {
  return mtls ?? plain
}

type Pair = readonly [name: string, value: string]

function pairsOf(credential: ClaimedCredential): Pair[] {
  const { issuer, client_id: id, client_secret: secret, mtls_token_endpoint: mtls } = credential
  const all: readonly (readonly [string, string | undefined])[] = [
    ['LATCHKEY_ISSUER', issuer],
    ['LATCHKEY_CLIENT_ID', id],
    ['LATCHKEY_CLIENT_SECRET', secret],
    ['LATCHKEY_MTLS_TOKEN_ENDPOINT', mtls],
  ]
  return all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
}

const isBySecretAlone = ({ authentication }: ClaimedCredential) => authentication === 'secret'

function variables(credential: ClaimedCredential, name: string): CredentialForm {
  const text = pairsOf(credential)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
  return {
    id: 'env',
    title: '.env',
    note: isBySecretAlone(credential)
      ? 'For `docker run --env-file`, systemd’s EnvironmentFile, or your shell. Keep it out of the repository.'
      : 'Beside the files above. For `docker run --env-file`, systemd’s EnvironmentFile, or your shell.',
    text: isBySecretAlone(credential) ? text : text + fileVariables(credential),
    file: `${name}.env`,
  }
}

function curl(credential: ClaimedCredential): CredentialForm {
  const { client_id: id, client_secret: secret } = credential
  const options = isBySecretAlone(credential) ? '' : `\\\n    ${curlOptions(credential)} \\\n    `
  const call = `curl --silent --show-error ${options}${endpointOf(credential)} \\\n    --data grant_type=client_credentials \\\n    --data client_id=${id}`
  return {
    id: 'curl',
    title: 'curl',
    note:
      secret === undefined
        ? 'Gets a token from this server, in the folder of the files above.'
        : 'Gets a token from this server. The secret goes by standard input, so that no list of processes shows it.',
    text: secret === undefined ? `${call}\n` : `printf '%s' 'client_secret=${secret}' |\n  ${call} \\\n    --data @-\n`,
  }
}

function kubernetes(credential: ClaimedCredential, name: string): CredentialForm {
  const files = certificateFiles(credential).flatMap(({ name: file, content }) =>
    typeof content === 'string' ? [[file, content] as const] : [],
  )
  // A string of JSON is one of YAML.
  const data = [...pairsOf(credential), ...files].map(([key, value]) => `  ${key}: ${JSON.stringify(value)}\n`).join('')
  return {
    id: 'kubernetes',
    title: 'Kubernetes',
    note:
      files.length === 0
        ? 'A Secret for `kubectl apply -f`, to be used with envFrom.'
        : 'A Secret for `kubectl apply -f`: mount its files, and use the rest with envFrom.',
    text: `apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${name}\ntype: Opaque\nstringData:\n${data}`,
    file: `${name}.secret.yaml`,
  }
}

function json(credential: ClaimedCredential, name: string): CredentialForm {
  const { issuer, client_id: id, client_secret: secret, certificate, server_ca: authority } = credential
  const document = {
    issuer,
    token_endpoint: endpointOf(credential),
    client_id: id,
    client_secret: secret,
    certificate: certificate && certificate.certificate + certificate.chain,
    private_key: certificate?.private_key,
    server_ca: authority,
  }
  return {
    id: 'json',
    title: 'JSON',
    note: 'For programs that read their configuration from a file.',
    text: `${JSON.stringify(document, null, 2)}\n`,
    file: `${name}.json`,
  }
}

function managers({ client_id: id, client_secret: secret }: ClaimedCredential, name: string): CredentialForm {
  return {
    id: 'managers',
    title: 'Secret managers',
    note: 'One of these, typed where the tool is signed in. The secret goes by standard input, so that no list of processes shows it.',
    text: [
      '# HashiCorp Vault',
      `printf '%s' '${secret}' | vault kv put secret/${name} client_id=${id} client_secret=-`,
      '',
      '# AWS Secrets Manager',
      `printf '%s' '{"client_id":"${id}","client_secret":"${secret}"}' | aws secretsmanager create-secret --name ${name} --secret-string file:///dev/stdin`,
      '',
      '# Google Cloud Secret Manager',
      `printf '%s' '${secret}' | gcloud secrets create ${name} --data-file=-`,
      '',
      '# Azure Key Vault',
      `printf '%s' '${secret}' | az keyvault secret set --vault-name VAULT --name ${name} --file /dev/stdin --encoding utf-8`,
      '',
    ].join('\n'),
  }
}

/** A name that every one of these places takes; empty when nothing of it can be. */
function kebab(text: string): string {
  const plain = text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
  return plain.replaceAll(/^-+|-+$/g, '')
}
