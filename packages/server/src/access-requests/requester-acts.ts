import type { AccessRequestForm } from '@latchkey/portal-contract'
import type { EpochMs, Scope } from '@latchkey/protocol'
import type { ChangeContext } from '../audit/change.ts'
import { done, refused, type Result } from '../kernel/result.ts'
import { checkForm } from './check-form.ts'
import type { FormProblem } from './form-problem.ts'
import { takesCsr } from './check-key.ts'
import { nextRevision, proveRequest, requestWords, type RequestDesk, type RequestTransaction } from './desk.ts'
import { mayDo, requestState, waitsMs, type RequestAct } from './request-state.ts'
import type { AccessRequest, AccessRequestId } from './request.ts'

/** Messages and changes of one request: what goes further is no conversation. */
const maxMessages = 100

export type RequesterRefusal =
  | { readonly reason: 'request.unknown' | 'request.wrong_state' | 'request.too_long' | 'request.nothing' }
  | { readonly reason: 'request.stale'; readonly revision: number }
  | { readonly reason: 'form'; readonly problems: readonly FormProblem[] }

type Answer = Result<AccessRequest, RequesterRefusal>

/** The contact's address is proven, and the request goes before the team. Repeating it changes nothing. */
export function confirmRequest(
  desk: RequestDesk,
  context: ChangeContext,
  id: AccessRequestId,
  key: string,
): Promise<Answer> {
  return act(
    desk,
    context,
    id,
    key,
    'confirm',
    (tx, before) => settle(tx, before),
    (request) => request.submittedAt !== undefined,
  )

  async function settle(tx: RequestTransaction, before: AccessRequest) {
    const { now } = context
    const after = nextRevision(before, {
      state: 'submitted',
      submittedAt: now,
      expiresAt: (now + waitsMs) as EpochMs,
    })
    const { contact_address: contactAddress, scopes } = after.form
    const words = { ...requestWords(after), contactAddress, scopes: scopes.map(({ scope }) => scope as Scope) }
    await desk.notifier.queue(
      tx,
      { kind: 'team' },
      { kind: 'request.submitted', about: id, words, secret: undefined },
      now,
    )
    return done({ after, event: 'request.submitted' as const })
  }
}

/** The requester takes it back. Repeating it changes nothing. */
export function withdrawRequest(
  desk: RequestDesk,
  context: ChangeContext,
  id: AccessRequestId,
  key: string,
): Promise<Answer> {
  return act(
    desk,
    context,
    id,
    key,
    'withdraw',
    (tx, before) => settle(tx, before),
    ({ state }) => state === 'withdrawn',
  )

  async function settle(tx: RequestTransaction, before: AccessRequest) {
    const after = nextRevision(before, { state: 'withdrawn' })
    if (before.submittedAt !== undefined) {
      const words = { ...requestWords(after), contactAddress: after.form.contact_address }
      const notice = { kind: 'request.withdrawn', about: id, words, secret: undefined } as const
      await desk.notifier.queue(tx, { kind: 'team' }, notice, context.now)
    }
    return done({ after, event: 'request.withdrawn' as const })
  }
}

/** What is absent stays; null takes back what was pasted. */
type FormChanges = Partial<Omit<AccessRequestForm, 'contact_address' | 'csr' | 'certificate'>> & {
  readonly csr?: string | null
  readonly certificate?: string | null
}

export interface Amendment {
  /** The one that the requester has seen. */
  readonly revision: number
  readonly message: string | undefined
  /** What is asked for otherwise; the contact's address stays the one that was confirmed. */
  readonly form: FormChanges | undefined
}

/** Answers the team, changes what is asked for, or both; it waits for the team again then. */
export function amendRequest(
  desk: RequestDesk,
  context: ChangeContext,
  id: AccessRequestId,
  key: string,
  { revision, message, form }: Amendment,
): Promise<Answer> {
  return act(desk, context, id, key, 'amend', (tx, before) => settle(tx, before))

  async function settle(tx: RequestTransaction, before: AccessRequest): Promise<Settled> {
    if (before.revision !== revision) return refused({ reason: 'request.stale', revision: before.revision })
    const text = message?.trim() ?? ''
    const changes = Object.fromEntries(Object.entries(form ?? {}).filter(([, value]) => value !== undefined))
    if (text === '' && Object.keys(changes).length === 0) return refused({ reason: 'request.nothing' })
    if (before.messages.length >= maxMessages || before.revision >= maxMessages * 2) {
      return refused({ reason: 'request.too_long' })
    }
    const checked = await checkForm(amendForm(before.form, changes), desk, context.now)
    if (!checked.ok) return refused({ reason: 'form', problems: checked.refusal })
    const { now } = context
    const said = { at: now, from: 'requester', actor: undefined, text } as const
    const after = nextRevision(before, {
      state: 'submitted',
      form: checked.value,
      messages: text === '' ? before.messages : [...before.messages, said],
      expiresAt: (now + waitsMs) as EpochMs,
    })
    const words = { ...requestWords(after), contactAddress: after.form.contact_address }
    const notice = { kind: 'request.amended', about: id, words, secret: undefined } as const
    await desk.notifier.queue(tx, { kind: 'team' }, notice, now)
    return done({ after, event: 'request.amended' as const })
  }
}

type Settled = Result<
  {
    readonly after: AccessRequest
    readonly event: 'request.submitted' | 'request.amended' | 'request.withdrawn'
  },
  RequesterRefusal
>

/** Proves the key, by a read; then, inside the change, looks again whether this can be done. */
async function act(
  { reads, change }: RequestDesk,
  context: ChangeContext,
  id: AccessRequestId,
  key: string,
  what: RequestAct,
  settle: (tx: RequestTransaction, before: AccessRequest) => Promise<Settled>,
  isDone: (request: AccessRequest) => boolean = () => false,
): Promise<Answer> {
  const proven = await proveRequest(reads, id, key, context.now)
  if (!proven.ok) return refused({ reason: proven.refusal })
  const judge = (request: AccessRequest): RequesterRefusal | undefined =>
    mayDo(what, requestState(request, context.now)) ? undefined : { reason: 'request.wrong_state' }
  if (isDone(proven.value)) return proven
  const early = judge(proven.value)
  if (early !== undefined) return refused(early)
  return change<AccessRequest, RequesterRefusal>(context, async (tx) => {
    const before = await tx.requests.find(id)
    if (before === undefined) return refused({ reason: 'request.unknown' })
    const late = judge(before)
    if (late !== undefined) return refused(late)
    const settled = await settle(tx, before)
    if (!settled.ok) return settled
    const { after, event } = settled.value
    await tx.requests.update(after)
    const details = { revision: after.revision, contact_address: after.form.contact_address, scopes: scopesOf(after) }
    return { ...done(after), event: { name: event, subject: id, details } }
  })
}

/** What was pasted for another way to prove who the program is goes with that way. */
function amendForm(before: AccessRequestForm, changes: FormChanges): AccessRequestForm {
  const { csr: oldCsr, certificate: oldCertificate, ...kept } = before
  const { csr: newCsr, certificate: newCertificate, ...changed } = changes
  const form = { ...kept, ...changed }
  const staysCsr = takesCsr(form.authentication) ? oldCsr : undefined
  const staysCertificate = form.authentication === 'self-signed-mtls' ? oldCertificate : undefined
  const csr = newCsr === undefined ? staysCsr : newCsr
  const certificate = newCertificate === undefined ? staysCertificate : newCertificate
  return { ...form, ...(isText(csr) ? { csr } : {}), ...(isText(certificate) ? { certificate } : {}) }
}

function isText(value: string | null | undefined): value is string {
  return typeof value === 'string'
}

function scopesOf({ form }: AccessRequest): string[] {
  return form.scopes.map(({ scope }) => scope)
}
