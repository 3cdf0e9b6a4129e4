import type { ClaimedCredential } from '@latchkey/portal-contract'

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
  const { issuer, client_id: id, client_secret: secret, client_name: clientName } = credential
  const name = kebab(clientName) || `latchkey-client-${id.slice(0, 6)}`
  return [
    {
      id: 'env',
      title: '.env',
      note: 'For `docker run --env-file`, systemd’s EnvironmentFile, or your shell. Keep it out of the repository.',
      text: `LATCHKEY_ISSUER=${issuer}\nLATCHKEY_CLIENT_ID=${id}\nLATCHKEY_CLIENT_SECRET=${secret}\n`,
      file: `${name}.env`,
    },
    {
      id: 'curl',
      title: 'curl',
      note: 'Gets a token from this server. The secret goes by standard input, so that no list of processes shows it.',
      text: `printf '%s' 'client_secret=${secret}' |\n  curl --silent --show-error ${credential.token_endpoint} \\\n    --data grant_type=client_credentials \\\n    --data client_id=${id} \\\n    --data @-\n`,
    },
    {
      id: 'kubernetes',
      title: 'Kubernetes',
      note: 'A Secret for `kubectl apply -f`, to be used with envFrom.',
      text: `apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${name}\ntype: Opaque\nstringData:\n  LATCHKEY_ISSUER: "${issuer}"\n  LATCHKEY_CLIENT_ID: "${id}"\n  LATCHKEY_CLIENT_SECRET: "${secret}"\n`,
      file: `${name}.secret.yaml`,
    },
    {
      id: 'json',
      title: 'JSON',
      note: 'For programs that read their configuration from a file.',
      text: `${JSON.stringify({ issuer, token_endpoint: credential.token_endpoint, client_id: id, client_secret: secret }, null, 2)}\n`,
      file: `${name}.json`,
    },
    {
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
    },
  ]
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
