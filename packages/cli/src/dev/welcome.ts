import type { Demo } from './demo.ts'
import type { MtlsDemo } from './mtls-demo.ts'

/** What a newcomer needs to know about a server that has just started. */
export interface Welcome {
  readonly version: string
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly mtls: MtlsDemo | undefined
  readonly adminUrl: string
  readonly apiUrl: string
  readonly dataDirectory: string
  readonly demo: Demo
  /** The access request that waits for a decision; undefined once it was decided, or where requests are off. */
  readonly sampleRequest: { readonly id: string; readonly revision: number } | undefined
}

/** The text of `npm start`: commands that work when they are pasted. */
export function welcome(about: Welcome): string {
  const { demo, tokenEndpoint, apiUrl } = about
  return `
Latchkey ${about.version} is ready. Ctrl-C stops it; everything it knows is kept in ${about.dataDirectory}

  Issuer           ${about.issuer}
  Example API      ${apiUrl}
  Ask for access   ${about.issuer}/access-requests
  Partners' guide  ${about.issuer}/docs
  Admin            ${about.adminUrl}   (/healthz, /readyz)

1. Get a token with the demo client:

curl --location ${tokenEndpoint} \\
  --header 'Content-Type: application/x-www-form-urlencoded' \\
  --data-urlencode grant_type=client_credentials \\
  --data-urlencode client_id=${demo.clientId} \\
  --data-urlencode client_secret=${demo.clientSecret}

2. Call the example API with a token:

curl ${apiUrl}/configurations --header "Authorization: Bearer $(
  curl --silent ${tokenEndpoint} --data grant_type=client_credentials \\
    --user ${demo.clientId}:${demo.clientSecret} |
  sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')"

${byCertificate(about)}${about.mtls === undefined ? 3 : 4}. Try next, in another terminal:

npx latchkey client create my-service --scope configurations/configurations.read
npx latchkey client test ${demo.clientId} --scope configurations/configurations.write
npx latchkey client list
${decideOn(about)}npx latchkey audit list
`
}

function byCertificate({ mtls }: Welcome): string {
  if (mtls === undefined) return ''
  return `3. Get a token by certificate instead of a secret:

curl --location ${mtls.tokenEndpoint} \\
  --cacert ${mtls.rootFile} --cert ${mtls.certificateFile} --key ${mtls.keyFile} \\
  --data-urlencode grant_type=client_credentials \\
  --data-urlencode client_id=${mtls.clientId}

`
}

function decideOn({ sampleRequest }: Welcome): string {
  if (sampleRequest === undefined) return ''
  const { id, revision } = sampleRequest
  return `npx latchkey request show ${id}
npx latchkey request approve ${id} --revision ${revision} --scope configurations/configurations.read
`
}

/** The same for scripts: one line of JSON. */
export function welcomeJson(about: Welcome & { readonly adminSocket: string; readonly consoleUrl: string }): string {
  const { demo } = about
  return JSON.stringify({
    issuer: about.issuer,
    token_endpoint: about.tokenEndpoint,
    mtls_token_endpoint: about.mtls?.tokenEndpoint,
    console: about.consoleUrl,
    admin_socket: about.adminSocket,
    demo: {
      client_id: demo.clientId,
      client_secret: demo.clientSecret,
      scope: demo.scope,
      api: `${about.apiUrl}/configurations`,
    },
  })
}
