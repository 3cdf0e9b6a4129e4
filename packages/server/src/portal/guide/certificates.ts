import { code } from './code.ts'
import type { GuideFacts } from './facts.ts'
import { markup, type Html } from './html.ts'
import { certificateSamples } from './samples/index.ts'
import type { Section } from './section.ts'

/** Mutual TLS, in both directions; or that there is none. */
export function certificates({ mtls }: GuideFacts): Section {
  return {
    id: 'certificates',
    title: 'Certificates (mutual TLS)',
    body:
      mtls === undefined
        ? markup`<p>
            <strong>This server asks nobody for certificates:</strong> programs prove who they are by client id and
            secret.
          </p>`
        : offered(mtls),
  }
}

type Mtls = NonNullable<GuideFacts['mtls']>

function offered(mtls: Mtls): Html {
  const pin = mtls.serverAuthority === undefined ? '' : '--cacert server-ca.pem '
  return markup`<p>
      A program can have a certificate instead of a secret, or beside it. Both sides then prove who they are before a
      word is said, and its tokens are good over a connection with that certificate only: whoever copies one has nothing.
      Say in the request for access which you want.
    </p>
    <h3>How your program trusts this server</h3>
    ${trust(mtls)}
    <h3>How this server trusts your program</h3>
    <p>
      Make a key, which stays where it is made, and a signing request. Only the key of the request counts; it has to be
      P-256.
    </p>
    ${code(
      'openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 \\\n  -nodes -keyout client.key -subj / -out client.csr\n',
      'csr',
    )}
    <p>
      Paste <code>client.csr</code> into the form, or on the page behind the link: the page then has
      <code>client.pem</code>, the certificate. It lives 90 days. Or have all of it done where the key belongs:
    </p>
    ${code('npx --package @latchkey/client latchkey-client claim LINK --to env:.env')}
    <h3>Get a token</h3>
    <p>At an address of its own; there is no secret, unless you have both: then add it as above.</p>
    ${code(
      `curl ${pin}--cert client.pem --key client.key \\\n  ${mtls.tokenEndpoint} \\\n  --data grant_type=client_credentials \\\n  --data "client_id=$LATCHKEY_CLIENT_ID"\n`,
      'mtls-token',
    )}
    <h3>Call the API</h3>
    <p>
      With the same certificate, or the API answers 401: the token names it (<code>cnf</code>, RFC 8705 §3.1). Where the
      API is behind a proxy, the proxy has to ask for the certificate.
    </p>
    ${code(
      'printf \'header = "Authorization: Bearer %s"\\n\' "$TOKEN" |\n  curl --config - --cert client.pem --key client.key "$API_URL"\n',
      'mtls-call',
    )}
    ${certificateSamples.map(
      ({ id, title, needs, file, code: write }) =>
        markup`<details>
          <summary>${title}</summary>
          <p class="quiet">
            ${file}; needs ${needs}. Reads <code>LATCHKEY_CLIENT_ID</code>, <code>LATCHKEY_CERT_FILE</code>,
            <code>LATCHKEY_KEY_FILE</code>, <code>API_URL</code>; and the authorities of server and API,
            <code>LATCHKEY_MTLS_CA_FILE</code> and <code>API_CA_FILE</code>, where they are no public ones.
          </p>
          ${code(write(mtls.tokenEndpoint), id)}
        </details>`,
    )}
    <h3>Java and .NET</h3>
    <p>They take key and certificate in one file, PKCS #12, under a password:</p>
    ${code(
      'openssl pkcs12 -export -in client.pem -inkey client.key \\\n  -name latchkey -out client.p12 -passout env:P12_PASSWORD\n',
      'pkcs12',
    )}
    <h3>Renew</h3>
    <p>
      In the last third of its life, with a new key and the certificate that you have. The old one stays good until its
      end: put the new ones in place when they are there.
    </p>
    ${code(
      `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 \\\n  -nodes -keyout next.key -subj / -out next.csr\ncurl ${pin}--cert client.pem --key client.key --fail-with-body \\\n  --data-binary @next.csr --output next.pem ${mtls.renewEndpoint}\n`,
      'renew',
    )}
    <p>
      You are written to 30, 7 and 1 days before the end, if nothing has renewed it. A key that others may have seen: tell
      the team, and ask for a new link. What is revoked is refused at once, and stands in the revocation list that the
      certificate names.
    </p>
    <p class="quiet">
      You have certificates of your own? Ask for that in the form: the key of one is registered, and you renew it
      yourself, for the same key.
    </p>`
}

function trust({ serverAuthority, tokenEndpoint }: Mtls): Html {
  if (serverAuthority === undefined) {
    return markup`<p>
      Its certificate is issued by an authority that programs know by themselves: there is nothing to do, but to leave
      the checks of your TLS library on.
    </p>`
  }
  return markup`<p>
      Its certificate is issued by an authority of its own. Take that once, and compare the fingerprint with what the
      team tells you by another way:
    </p>
    ${code(
      `curl --output server-ca.pem ${serverAuthority}\nopenssl x509 -in server-ca.pem -noout -fingerprint -sha256\n`,
      'server-ca',
    )}
    <p>
      Then trust this file, and no other, for ${new URL(tokenEndpoint).host}: <code>--cacert</code> of curl, <code>ca</code> of Node.js,
      <code>cafile</code> of Python. <code>latchkey-client</code> takes such a file for all its calls in
      <code>LATCHKEY_CA_FILE</code>, and then sends nothing to a server that it does not vouch for.
    </p>`
}
