import { setTimeout as wait } from 'node:timers/promises'
import type { ClaimedCredential, PortalProblem } from '@latchkey/portal-contract'
import { pagePaths, type KeyedLink } from '@latchkey/protocol'
import { Failure } from '../failure.ts'

const patienceMs = 20_000
/** How often the server is told that the credential arrived, before that is given up. */
const attempts = 4

/** What to do, by the reason that the server gave. */
const hints: Readonly<Record<string, string>> = {
  'link.code_needed': 'give the code with --code, or in LATCHKEY_DELIVERY_CODE',
  'link.code_wrong': 'compare it with what the team gave you; five wrong codes end the link',
  'link.claimed': 'was it not you? Open the link in a browser and press "That was not me"',
  'link.unknown': 'copy the link whole, with everything behind the #',
  'limit.requests': 'try again in a minute',
  'store.unavailable': 'try again in a moment: nothing was spent',
}

/** Takes the credential, once. Throws Failure; after `network` it is not known whether it was taken. */
export async function claim(link: KeyedLink, code: string | undefined): Promise<ClaimedCredential> {
  let response: Response
  let answered: unknown
  try {
    response = await post(link, '', { key: link.key, ...(code === undefined ? {} : { code }) })
    answered = await response.json()
  } catch (error) {
    throw new Failure(
      1,
      'network',
      `${new URL(link.issuer).host} was not reached, or its answer was cut off`,
      'try again; if the link says then that it was claimed, wait 15 minutes and ask for a new one',
      { cause: error },
    )
  }
  if (!response.ok) throw refusal(response.status, answered)
  if (!isCredential(answered)) {
    throw new Failure(1, 'answer', 'the answer is not a credential', 'is the link of this kind of server?')
  }
  return answered
}

/** Tells the server that the credential arrived. Answers whether it knows; never throws. */
export async function acknowledge(link: KeyedLink, receipt: string): Promise<boolean> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await wait(500 * 2 ** attempt)
    try {
      const response = await post(link, '/acknowledge', { key: link.key, receipt })
      await response.body?.cancel()
      if (response.ok) return true
      // A refusal stays one.
      if (response.status < 500 && response.status !== 429) return false
    } catch {
      // Not reached: once more.
    }
  }
  return false
}

function post({ issuer, id }: KeyedLink, under: string, body: object): Promise<Response> {
  return fetch(`${issuer}${pagePaths.claim}/${id}${under}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    // The key is for this server and no other.
    redirect: 'error',
    signal: AbortSignal.timeout(patienceMs),
  })
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

function isCredential(answered: unknown): answered is ClaimedCredential {
  const { issuer, client_id: id, client_secret: secret, receipt } = (answered ?? {}) as Partial<ClaimedCredential>
  return (
    [issuer, id, secret, receipt].every((value) => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)) &&
    /^[A-Za-z0-9-]+$/.test(String(id)) &&
    /^\w+$/.test(String(secret)) &&
    URL.canParse(String(issuer)) &&
    /^[\w.~:/?#[\]@!$&()*+,;=%-]+$/.test(String(issuer))
  )
}
