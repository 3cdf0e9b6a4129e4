import { text } from 'node:stream/consumers'
import { parseKeyedLink, type KeyedLink } from '@latchkey/protocol'
import { Failure, misuse } from '../failure.ts'
import { bringKey, type BroughtKey } from './bring-key.ts'
import { acknowledge, claim, look } from './portal.ts'
import { readTarget, type Pems, type Target } from './target.ts'

export interface ClaimOptions {
  /** What stands behind `claim`. */
  readonly links: readonly string[]
  readonly to: string | undefined
  readonly code: string | undefined
  /** A file with the signing request to claim with; undefined: key and request are made here, where they are needed. */
  readonly csr: string | undefined
  /** A file with the client's own certificate. */
  readonly certificate: string | undefined
  readonly force: boolean
  readonly json: boolean
}

/**
 * Takes a credential to its target: looks whether it can be written first, claims, writes, and only then acknowledges. Throws Failure, with
 * nothing spent before the claim.
 */
export async function claimCommand(options: ClaimOptions): Promise<void> {
  const target = readTarget(options.to, options.force)
  const link = await readLink(options.links)
  refusePlainHttp(link)
  // Before anything is spent.
  target.prepare()
  const code = options.code ?? process.env['LATCHKEY_DELIVERY_CODE']
  const brought = await prepareKey(target, link, options)
  const credential = await claim(link, code, brought)
  const { issuer, client_id: clientId, client_secret: clientSecret, certificate } = credential
  const pems: Pems = {
    key: brought.privateKey,
    certificate: certificate && certificate.certificate + certificate.chain,
    serverAuthority: credential.server_ca,
  }
  try {
    target.write({ issuer, clientId, clientSecret, mtlsTokenEndpoint: credential.mtls_token_endpoint, pems })
  } catch (error) {
    throw new Failure(
      1,
      'target',
      `the credential could not be written to ${target.name}, and is lost: it is not acknowledged, so the server revokes it within 15 minutes`,
      'mend what is in the way and ask for a new link',
      { cause: error },
    )
  }
  const isAcknowledged = await acknowledge(link, credential.receipt)
  report(target, options.json, { clientId, confirmBy: credential.confirm_by, isAcknowledged })
}

/** What the link needs beside its key, and whether what comes of it can be written. Nothing is spent yet. */
async function prepareKey(target: Target, link: KeyedLink, options: ClaimOptions): Promise<BroughtKey> {
  const status = await look(link)
  // The claim says why.
  if (status.state !== 'open') return { sent: {}, privateKey: undefined }
  const brought = await bringKey(status, options)
  if (status.authentication === 'secret') return brought
  if (!target.takesCertificates) {
    throw misuse(`${target.name} takes no certificate`, 'take env:FILE, json:FILE or k8s:NAME; nothing was spent')
  }
  const isIssued = status.authentication !== 'self-signed-mtls'
  target.prepare([
    ...(brought.privateKey === undefined ? [] : (['key'] as const)),
    ...(isIssued ? (['certificate'] as const) : []),
    'serverAuthority',
  ])
  return brought
}

interface Outcome {
  readonly clientId: string
  readonly confirmBy: number
  readonly isAcknowledged: boolean
}

/** To standard error where the credential itself goes to standard output. */
function report(target: Target, json: boolean, { clientId, confirmBy, isAcknowledged }: Outcome): void {
  const until = new Date(confirmBy * 1000).toISOString()
  const stream = target.usesStandardOutput ? process.stderr : process.stdout
  if (json) {
    const confirmed = { client_id: clientId, target: target.name, acknowledged: isAcknowledged, confirm_by: confirmBy }
    stream.write(`${JSON.stringify(confirmed)}\n`)
  } else {
    stream.write(`The credential of client ${clientId} is in ${target.name}.\n`)
  }
  if (!isAcknowledged) {
    process.stderr.write(
      `latchkey-client: the server could not be told that it arrived — get a token with it before ${until}, or it is revoked\n`,
    )
  }
}

/** From the argument, from standard input, or from the environment: the last two are in no list of processes. */
async function readLink(links: readonly string[]): Promise<KeyedLink> {
  if (links.length > 1) throw misuse('one link at a time')
  const [given] = links
  const written = given === '-' ? await text(process.stdin) : (given ?? process.env['LATCHKEY_DELIVERY_LINK'])
  if (written === undefined) throw misuse('there is no link', 'give it behind `claim`, or in LATCHKEY_DELIVERY_LINK')
  const link = parseKeyedLink('claim', written)
  if (link === undefined) {
    throw misuse(
      'this is no delivery link, or not all of it',
      'copy it whole, with everything behind the #, and quote it: a shell takes # for a comment',
    )
  }
  return link
}

/** The key of the link would travel in the open. */
function refusePlainHttp({ issuer }: KeyedLink): void {
  const { protocol, hostname } = new URL(issuer)
  if (protocol === 'https:' || ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)) return
  throw misuse('the link is not https', 'ask the team for one that is')
}
