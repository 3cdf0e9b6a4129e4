import type { AccessRequestForm } from '@latchkey/portal-contract'
import type { EpochMs } from '@latchkey/protocol'
import { digestKey } from '../delivery-links/link-key.ts'
import { randomLowercase } from '../kernel/ids.ts'
import { done, refused, type Result } from '../kernel/result.ts'
import { checkForm } from './check-form.ts'
import type { FormProblem } from './form-problem.ts'
import { makeStatusLink, requestWords, type RequestDesk } from './desk.ts'
import type { IntakeTransaction } from './ports.ts'
import { confirmWithinMs } from './request-state.ts'
import type { AccessRequest, AccessRequestId } from './request.ts'

/** Messages that a stranger can have sent, and what they can leave here: counted over every server on the database. */
export const intakeLimits = {
  addressPerHour: 3,
  addressPerDay: 10,
  domainPerHour: 60,
  unconfirmed: 10_000,
} as const

const hourMs = 3_600_000
const idLength = 24

export type SubmitRefusal =
  | { readonly reason: 'portal.closed' | 'portal.invitation_needed' | 'limit.queue' }
  | { readonly reason: 'limit.mail'; readonly retryAfterSeconds: number }
  | { readonly reason: 'form'; readonly problems: readonly FormProblem[] }

/** Who may ask at this moment. A server that sends no mail takes no requests: nobody could confirm one. */
export function requestMode({ mode, notifier }: Pick<RequestDesk, 'mode' | 'notifier'>): RequestDesk['mode'] {
  return notifier.sendsMail ? mode : 'off'
}

/**
 * Keeps a request and writes to its contact: only whoever reads that message can put it before the team. The answer says nothing that opens it,
 * and nothing of whether the client that it names exists.
 */
export async function submitRequest(
  desk: RequestDesk,
  input: AccessRequestForm,
  invitationKey: string | undefined,
  now: EpochMs,
): Promise<Result<AccessRequest, SubmitRefusal>> {
  const mode = requestMode(desk)
  if (mode === 'off') return refused({ reason: 'portal.closed' })
  if (mode === 'invitation' && invitationKey === undefined) return refused({ reason: 'portal.invitation_needed' })
  const checked = await checkForm(input, desk, now)
  if (!checked.ok) return refused({ reason: 'form', problems: checked.refusal })
  const form = checked.value

  return desk.intake<Result<AccessRequest, SubmitRefusal>>(async (tx) => {
    const limit = await limitReached(tx, form.contact_address, now)
    if (limit !== undefined) return refused(limit)
    const invitation =
      invitationKey === undefined ? undefined : await tx.requests.useInvitation(digestKey(invitationKey), now)
    if (invitationKey !== undefined && invitation === undefined) return refused({ reason: 'portal.invitation_needed' })
    const { request, statusLink } = await keepRequest(tx, desk, form, invitation?.id, now)
    await desk.notifier.queue(
      tx,
      { kind: 'contact', address: form.contact_address },
      {
        kind: 'request.confirm_address',
        about: request.id,
        words: requestWords(request),
        secret: { statusLink },
      },
      now,
    )
    return done(request)
  })
}

/** Keeps what was asked for, unconfirmed, with the link that opens it. */
export async function keepRequest(
  tx: Pick<IntakeTransaction, 'requests'>,
  desk: Pick<RequestDesk, 'issuer' | 'maker'>,
  form: AccessRequestForm,
  invitationId: string | undefined,
  now: EpochMs,
): Promise<{ readonly request: AccessRequest; readonly statusLink: string }> {
  const request: AccessRequest = {
    id: randomLowercase(desk.maker.random, idLength) as AccessRequestId,
    state: 'unconfirmed',
    revision: 1,
    form,
    messages: [],
    createdAt: now,
    submittedAt: undefined,
    expiresAt: (now + confirmWithinMs) as EpochMs,
    invitationId,
    approvals: [],
    decision: undefined,
  }
  await tx.requests.insert(request)
  return { request, statusLink: await makeStatusLink(tx, desk, request.id, now) }
}

async function limitReached(
  { requests }: IntakeTransaction,
  address: string,
  now: EpochMs,
): Promise<SubmitRefusal | undefined> {
  if ((await requests.countUnconfirmed()) >= intakeLimits.unconfirmed) return { reason: 'limit.queue' }
  const lastHour = await requests.countFor(address, (now - hourMs) as EpochMs)
  if (lastHour.address >= intakeLimits.addressPerHour || lastHour.domain >= intakeLimits.domainPerHour) {
    return { reason: 'limit.mail', retryAfterSeconds: hourMs / 1000 }
  }
  const lastDay = await requests.countFor(address, (now - 24 * hourMs) as EpochMs)
  return lastDay.address >= intakeLimits.addressPerDay
    ? { reason: 'limit.mail', retryAfterSeconds: (24 * hourMs) / 1000 }
    : undefined
}
