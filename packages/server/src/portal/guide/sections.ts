import { certificates } from './certificates.ts'
import { code } from './code.ts'
import type { GuideFacts } from './facts.ts'
import { flow } from './flow.ts'
import { markup, type Html } from './html.ts'
import { samples } from './samples/index.ts'
import type { Section } from './section.ts'

/** The whole guide, in order: short, and true for this server. */
export function sections(facts: GuideFacts): readonly Section[] {
  return [
    whatItIs(facts),
    askForAccess(facts),
    receive(facts),
    keepTheSecret(),
    getAToken(facts),
    languages(facts),
    callTheApi(),
    scopes(facts),
    errors(),
    rotate(facts),
    certificates(facts),
    addresses(facts),
    checklist(),
  ]
}

function whatItIs({ host }: GuideFacts): Section {
  return {
    id: 'what',
    title: 'How it works',
    body: markup`<p>
        Your program calls an API by itself: no person logs in. It proves who it is with a <code>client_id</code> and a
        <code>client_secret</code>, gets a <em>token</em> from ${host}, and shows the token to the API. This is the
        <em>client credentials grant</em> of OAuth 2.0 (RFC 6749 §4.4).
      </p>
      <p>
        A token is not a secret for ever: it ends after a while, and allows only the <em>scopes</em> that the team has
        approved for your program. There is no id token and no refresh token; when a token ends, your program gets
        another.
      </p>
      ${flow}`,
  }
}

function askForAccess({ requests, requestPage }: GuideFacts): Section {
  const how: Readonly<Record<GuideFacts['requests'], Html>> = {
    open: markup`<p>
      <a href="${requestPage}">Fill in the form</a>: who you are, what the program does, which scopes it needs and why.
    </p>`,
    invitation: markup`<p>
      This server takes requests by invitation: ask its team for an invitation link, and open it whole. It leads to a
      form: who you are, what the program does, which scopes it needs and why.
    </p>`,
    off: markup`<p>
      This server takes no requests by itself: write to the team that runs it. Say what the program does, and which
      scopes it needs.
    </p>`,
  }
  const after = markup`<ol>
    <li>
      A message reaches the address that you gave. Open its link and press “Confirm”: only then does the team see the
      request. It has 24 hours.
    </li>
    <li>The team decides scope by scope. It may ask something first: you answer on the same page.</li>
    <li>You get a message with the decision, and one with a link to the credential.</li>
  </ol>`
  return {
    id: 'ask',
    title: 'Ask for access',
    body: markup`${how[requests]} ${requests === 'off' ? [] : [after]}`,
  }
}

function receive({ issuer }: GuideFacts): Section {
  return {
    id: 'receive',
    title: 'Receive the credential',
    body: markup`<p>
        It comes by a link that begins with <code>${issuer}/claim/</code> and works <strong>once</strong>. Opening it shows nothing yet; press “Show the credential” when you know where to
        keep the secret. The secret is made at that moment: nobody has seen it before you, this server's team included,
        and nobody can show it again.
      </p>
      <ul>
        <li>The link lives for 24 hours unless you were told otherwise. If it has ended, ask for a new one.</li>
        <li>If the page asks for a code, you get that by another way than the link.</li>
        <li>
          If the page says that the credential was shown already and it was not you, press “That was not me”: for seven
          days this revokes it at once, and always it tells the team.
        </li>
        <li>Show it and then lose it: after 15 minutes without any sign of life it is revoked. Ask for a new link.</li>
      </ul>
      <p>Without a person seeing the secret, in a terminal on the machine where it belongs:</p>
      ${code('npx --package @latchkey/client latchkey-client claim LINK --to env:.env')}`,
  }
}

function keepTheSecret(): Section {
  return {
    id: 'keep',
    title: 'Keep the secret',
    body: markup`<p>Whoever has the secret can do what your program can. So:</p>
      <ul>
        <li>Keep it in a secret manager, or in an environment variable that is set where the program is deployed.</li>
        <li>Never in source code, in an image, in a ticket, a chat or a mail.</li>
        <li>
          Never in a browser, a mobile app or anything else that others can take apart: it belongs on your servers.
        </li>
        <li>One credential for each program and environment, so that one can be ended without the others.</li>
      </ul>
      ${code(`export LATCHKEY_CLIENT_ID=...\nexport LATCHKEY_CLIENT_SECRET=...`)}
      <aside>
        <p>
          Every secret of this server begins with <code>lk_</code>, so that scanners of repositories can find one that
          was committed. Found one? Tell the team: it is revoked within a second.
        </p>
      </aside>`,
  }
}

function getAToken({ tokenEndpoint, metadataUrl, apis }: GuideFacts): Section {
  const example = apis[0]?.scopes[0]?.scope ?? 'api/scope'
  return {
    id: 'token',
    title: 'Get a token',
    body: markup`<p>A POST, form-encoded, to this server's token endpoint:</p>
      ${code(
        `curl ${tokenEndpoint} \\\n  --data grant_type=client_credentials \\\n  --data "client_id=$LATCHKEY_CLIENT_ID" \\\n  --data "client_secret=$LATCHKEY_CLIENT_SECRET"\n`,
        'token',
      )}
      <p>The answer:</p>
      ${code(`{"access_token":"eyJra…","expires_in":3600,"scope":"${example}","token_type":"Bearer"}`)}
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Meaning</th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <td><code>access_token</code></td>
              <td>The token. Treat it as text without meaning: what is in it may change.</td>
            </tr>
            <tr>
              <td><code>expires_in</code></td>
              <td>How long it lives, in seconds.</td>
            </tr>
            <tr>
              <td><code>scope</code></td>
              <td>What it allows, separated by spaces.</td>
            </tr>
            <tr>
              <td><code>token_type</code></td>
              <td>Always <code>Bearer</code>: whoever has the token may use it.</td>
            </tr>
          </tbody>
        </table>
      </div>
      <p>
        Without <code>scope</code> in the request all approved scopes are in the token. To ask for fewer, add
        <code>--data "scope=${example}"</code>. Client id and secret may also come by HTTP Basic. Everything else about
        this server is at <a href="${metadataUrl}"><code>${metadataUrl}</code></a> (RFC 8414).
      </p>`,
  }
}

function languages({ tokenEndpoint }: GuideFacts): Section {
  return {
    id: 'languages',
    title: 'In your language',
    body: markup`<p>
        Each of these is a whole program. It reads <code>LATCHKEY_CLIENT_ID</code>,
        <code>LATCHKEY_CLIENT_SECRET</code> and the API's address, <code>API_URL</code>, from the environment, gets a
        token, and calls the API.
      </p>
      ${samples.map(
        ({ id, title, needs, file, code: write }) =>
          markup`<details>
            <summary>${title}</summary>
            <p class="quiet">${file}; needs ${needs}.</p>
            ${code(write(tokenEndpoint), id)}
          </details>`,
      )}`,
  }
}

function callTheApi(): Section {
  return {
    id: 'call',
    title: 'Call the API',
    body: markup`<p>Send the token with every request, in a header and never in a URL:</p>
      ${code('Authorization: Bearer eyJra…')}
      <ul>
        <li>
          <strong>Use a token until it ends</strong>, less a minute. Getting one for each call is slower, and is what
          limits are made for.
        </li>
        <li>
          When the API answers 401, get a new token once and repeat the call. If it is 401 again, stop: see below.
        </li>
        <li>Several copies of a program may share a credential; each gets its own tokens.</li>
      </ul>`,
  }
}

function scopes({ apis }: GuideFacts): Section {
  return {
    id: 'scopes',
    title: 'APIs and scopes',
    body:
      apis.length === 0
        ? markup`<p>No API of this server can be asked for at the moment.</p>`
        : markup`<p>What can be asked for here. Ask for what the program needs, and no more.</p>
            ${apis.map(
              ({ name, audience, tokenTtlSeconds, scopes: offered }) =>
                markup`<h3>${name}</h3>
                  <p class="quiet">
                    Its tokens live ${duration(tokenTtlSeconds)} at most, and name the API as <code>${audience}</code>.
                  </p>
                  <div class="wide">
                    <table>
                      <thead>
                        <tr>
                          <th scope="col">Scope</th>
                          <th scope="col">Allows</th>
                        </tr>
                      </thead>
                      <tbody>
                        ${offered.map(
                          ({ scope, description }) =>
                            markup`<tr>
                              <td><code>${scope}</code></td>
                              <td>${description}</td>
                            </tr>`,
                        )}
                      </tbody>
                    </table>
                  </div>`,
            )}`,
  }
}

function errors(): Section {
  const rows: readonly (readonly [where: string, answer: string, todo: string])[] = [
    [
      'Token',
      '400 invalid_request',
      'The request is not as it must be; error_description says what. Is the body form-encoded?',
    ],
    ['Token', '400 unsupported_grant_type', 'Send grant_type=client_credentials.'],
    [
      'Token',
      '400 invalid_scope',
      'A scope is misspelled, or not approved for this client, or its time is over. Leave scope out to get all that is approved.',
    ],
    [
      'Token',
      '401 invalid_client',
      'Client id or secret is wrong, was revoked or has ended, or the client is disabled. Repeating does not help: look at what your program really sends, then ask the team.',
    ],
    ['Token', '429 with Retry-After', 'Too many failed attempts from your address. Wait as long as it says.'],
    [
      'Token',
      '503 with Retry-After',
      'Nothing is wrong with the request. Wait as long as it says, then longer each time.',
    ],
    ['API', '401 invalid_token', 'The token has ended, or was revoked. Get a new one, once.'],
    [
      'API',
      '403 insufficient_scope',
      'The token does not allow this call. WWW-Authenticate names the scope that is missing: ask for it.',
    ],
  ]
  return {
    id: 'errors',
    title: 'When something is refused',
    body: markup`<div class="wide">
        <table>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">Answer</th>
              <th scope="col">What to do</th>
            </tr>
          </thead>
          <tbody>
            ${rows.map(
              ([where, answer, todo]) =>
                markup`<tr>
                  <td>${where}</td>
                  <td><code>${answer}</code></td>
                  <td>${todo}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      <p>
        Every answer carries <code>X-Request-Id</code>. Give it to the team when you ask: with it they find the precise
        reason, which a stranger is not told.
      </p>`,
  }
}

function rotate({ revocationEndpoint }: GuideFacts): Section {
  return {
    id: 'rotate',
    title: 'Change the secret, and the end of access',
    body: markup`<p>
        A client can have two secrets at a time: ask the team for a new link, deploy the new secret, then have the old
        one revoked. Nothing stops meanwhile. If a secret may have been seen by others, say so at once: it is revoked,
        with every token that was got with it, within a second.
      </p>
      <p>A program that has no more use for a token can end it itself (RFC 7009):</p>
      ${code(
        `curl ${revocationEndpoint} \\\n  --data "client_id=$LATCHKEY_CLIENT_ID" \\\n  --data "client_secret=$LATCHKEY_CLIENT_SECRET" \\\n  --data "token=$TOKEN"\n`,
        'revoke',
      )}`,
  }
}

function addresses({ whoamiEndpoint }: GuideFacts): Section {
  return {
    id: 'addresses',
    title: 'Where you call from',
    body: markup`<p>
        You may name the addresses that your program calls from. Once the team has approved them, your client gets
        tokens, and its tokens are taken, from those addresses alone; the team may make the list wider or smaller, and
        limit it to some calls. A refusal says which address was seen:
        <code>unauthorized_client</code> at the token endpoint, 403 <code>address_not_allowed</code> at an API. Ask
        <code>whoami</code>, from wherever you are, what is allowed and what was refused lately:
      </p>
      ${code(
        `printf 'user = "%s:%s"\\n' "$LATCHKEY_CLIENT_ID" "$LATCHKEY_CLIENT_SECRET" |\n  curl --config - ${whoamiEndpoint}\n`,
        'whoami',
      )}
      <p>Tell the team before your addresses change.</p>`,
  }
}

function checklist(): Section {
  const items = [
    'The secret is in a secret manager or in the environment, and in no file of the repository.',
    'The program uses a token until a minute before it ends.',
    'A 401 of the API leads to one new token and one repetition, not to a loop.',
    'A 429 or 503 leads to waiting as long as Retry-After says.',
    'Logs hold neither secret nor token.',
    'X-Request-Id of refused calls is logged.',
    'Somebody knows where the secret is changed.',
  ]
  return {
    id: 'check',
    title: 'Check yourself',
    body: markup`<ul class="check">
      ${items.map((item) => markup`<li>${item}</li>`)}
    </ul>`,
  }
}

function duration(seconds: number): string {
  if (seconds % 3600 === 0) return seconds === 3600 ? 'one hour' : `${seconds / 3600} hours`
  return seconds % 60 === 0 ? `${seconds / 60} minutes` : `${seconds} seconds`
}
