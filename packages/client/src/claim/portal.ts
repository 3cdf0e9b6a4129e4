import { setTimeout as wait } from 'node:timers/promises'
import type { ClaimedCredential, LinkStatus, PortalProblem } from '@latchkey/portal-contract'
import { pagePaths, type KeyedLink } from '@latchkey/protocol'
import { Failure } from '../failure.ts'
import { postJson, type JsonAnswer } from '../http/post-json.ts'
import type { BroughtKey } from './bring-key.ts'

/** How often the server is told that the credential arrived, before that is given up. */
const attempts = 4

/** What to do, by the reason that the server gave. */
const hints: Readonly<Record<string, string>> = {
  'link.code_needed': 'give the code with --code, or in LATCHKEY_DELIVERY_CODE',
  'link.code_wrong': 'compare it with what the team gave you; five wrong codes end the link',
  'link.claimed': 'was it not you? Open the link in a browser and press "That was not me"',
  'link.unknown': 'copy the link whole, with everything behind the #',
  'limit.requests': 'try again in a minute',
}

/** What the link delivers, and needs. Spends nothing. Throws Failure. */
export async function look(link: KeyedLink): Promise<LinkStatus> {
  const { status, answered } = await ask(link, '/status', { key: link.key }, 'nothing was spent: try again')
  if (status !== 200) throw refusal(status, answered)
  if (!isStatus(answered)) throw notOurs('the answer says nothing of a delivery link')
  return answered
}

/** Takes the credential, once. Throws Failure; after `network` it is not known whether it was taken. */
export async function claim(
  link: KeyedLink,
  code: string | undefined,
  { sent }: Pick<BroughtKey, 'sent'>,
): Promise<ClaimedCredential> {
  const body = { key: link.key, ...sent, ...(code === undefined ? {} : { code }) }
  const hint = 'try again; if the link says then that it was claimed, wait 15 minutes and ask for a new one'
  const { status, answered } = await ask(link, '', body, hint)
  if (status !== 200) throw refusal(status, answered)
  if (!isCredential(answered)) throw notOurs('the answer is not a credential')
  return answered
}

/** Tells the server that the credential arrived. Answers whether it knows; never throws. */
export async function acknowledge(link: KeyedLink, receipt: string): Promise<boolean> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await wait(500 * 2 ** attempt)
    try {
      const { status } = await post(link, '/acknowledge', { key: link.key, receipt })
      if (status === 200) return true
      // A refusal stays one.
      if (status < 500 && status !== 429) return false
    } catch {
      // Not reached: once more.
    }
  }
  return false
}

async function ask(link: KeyedLink, under: string, body: object, hint: string) {
  try {
    const answer = await post(link, under, body)
    return { status: answer.status, answered: answer.json() }
  } catch (error) {
    if (error instanceof Failure) throw error
    const { host } = new URL(link.issuer)
    throw new Failure(1, 'network', `${host} was not reached, or its answer was cut off`, hint, { cause: error })
  }
}

function post({ issuer, id }: KeyedLink, under: string, body: object): Promise<JsonAnswer> {
  return postJson(`${issuer}${pagePaths.claim}/${id}${under}`, body)
}

function notOurs(message: string): Failure {
  return new Failure(1, 'answer', message, 'is the link of this kind of server?')
}

function refusal(status: number, answered: unknown): Failure {
  const {
    reason = 'unknown',
    title = `the server answered ${status}`,
    detail = '',
  } = (answered ?? {}) as Partial<PortalProblem>
  const hint = hints[reason] ?? (detail === '' ? 'ask the team for a new link' : printable(detail))
  return new Failure(1, printable(reason), printable(title), hint)
}

/** What a server sends is not to drive a terminal. */
function printable(words: string): string {
  return words.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '�').slice(0, 500)
}

function isStatus(answered: unknown): answered is LinkStatus {
  const { state, needs_key: needs } = (answered ?? {}) as Partial<LinkStatus>
  return typeof state === 'string' && ['none', 'csr', 'certificate'].includes(String(needs))
}

/** Nothing in it can break out of a line, or out of the form that it is written in. */
function isCredential(answered: unknown): answered is ClaimedCredential {
  const credential = (answered ?? {}) as Partial<ClaimedCredential>
  const {
    issuer,
    client_id: id,
    receipt,
    client_secret: secret,
    certificate,
    mtls_token_endpoint: endpoint,
  } = credential
  return (
    [issuer, id, receipt].every((value) => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)) &&
    /^[A-Za-z0-9-]+$/.test(id ?? '') &&
    (secret === undefined || /^\w+$/.test(secret)) &&
    isPlainUrl(issuer) &&
    (endpoint === undefined || isPlainUrl(endpoint)) &&
    [certificate?.certificate, certificate?.chain, credential.server_ca].every((pem) => pem === undefined || isPem(pem))
  )
}

function isPlainUrl(value: unknown): boolean {
  return URL.canParse(String(value)) && /^[\w.~:/?#[\]@!$&()*+,;=%-]+$/.test(String(value))
}

function isPem(value: unknown): boolean {
  return /^(?:-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n)+$/.test(String(value))
}
