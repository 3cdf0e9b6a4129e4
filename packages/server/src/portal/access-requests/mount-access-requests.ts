import {
  amendInput,
  applicationKinds,
  checkAddressesInput,
  checkKeyInput,
  requestKeyInput,
  submitInput,
  type AccessRequestStatus,
  type CheckedAddresses,
  type CheckedKey,
  type RequestFormFacts,
  type Submitted,
} from '@latchkey/portal-contract'
import { pagePaths, qualifyScope, toSeconds } from '@latchkey/protocol'
import type { FastifyInstance } from 'fastify'
import type { ChangeContext } from '../../audit/change.ts'
import { askableServers } from '../../access-requests/check-form.ts'
import { readPasted } from '../../access-requests/check-key.ts'
import { proveRequest, requesterActor } from '../../access-requests/desk.ts'
import { amendRequest, confirmRequest, withdrawRequest, type Amendment } from '../../access-requests/requester-acts.ts'
import type { AccessRequest, AccessRequestId } from '../../access-requests/request.ts'
import { requestMode, submitRequest } from '../../access-requests/submit-request.ts'
import { readCidr } from '../../network-policy/cidr.ts'
import { shownAfterwards } from '../describe-failure.ts'
import { post, type PortalRequest } from '../post.ts'
import type { PortalServices } from '../services.ts'
import { requesterProblem, submitProblem } from './problems.ts'
import { requestShape } from './request-shape.ts'

/** Submissions a minute from one address prefix. Each is a message to somebody: the server limits those by receiver as well. */
const submissionsPerMinute = 60

/** The form for access, and the status page's questions. Every key travels in a body. */
export function mountAccessRequests(app: FastifyInstance, services: PortalServices): void {
  const { clock, requests: desk, links } = services
  const contextOf = ({ requestId }: PortalRequest<unknown>): ChangeContext => ({
    actor: requesterActor,
    requestId,
    now: clock.now(),
  })
  const show = async (request: AccessRequest): Promise<AccessRequestStatus> => {
    const linkId = request.decision?.linkId
    const link = linkId === undefined ? undefined : await links.find(linkId)
    const pasted = await readPasted(request.form, clock.now())
    const fingerprint = pasted?.ok === true ? pasted.value.fingerprint : undefined
    return requestShape(request, link, desk.catalogue(), clock.now(), fingerprint)
  }
  const base = pagePaths.accessRequests
  const one = `${base}/:id`

  app.get(`${base}/form`, (): RequestFormFacts => ({
    mode: requestMode(desk),
    issuer: services.issuer,
    resource_servers: askableServers(desk.catalogue()).map(({ name, scopes }) => ({
      name,
      scopes: scopes.map((scope) => ({ scope: qualifyScope(name, scope.name), description: scope.description })),
    })),
    application_kinds: [...applicationKinds],
    authentication: [...desk.authentications],
  }))

  post(
    app,
    base,
    submitInput,
    async ({ input }): Promise<Submitted> => {
      const { invitation, ...form } = input
      const submitted = await submitRequest(desk, form, invitation, clock.now())
      if (!submitted.ok) throw submitProblem(submitted.refusal)
      const { id, expiresAt } = submitted.value
      return { id, contact_address: form.contact_address, confirm_by: toSeconds(expiresAt) }
    },
    { status: 202, perMinute: submissionsPerMinute },
  )

  post(app, `${base}/check-addresses`, checkAddressesInput, ({ input }): Promise<CheckedAddresses> =>
    Promise.resolve({
      addresses: input.source_addresses.map((given) => {
        const read = readCidr(given)
        if (!read.ok) return { given, problem: read.problem }
        return { given, cidr: read.cidr, ...(read.note === undefined ? {} : { note: read.note }) }
      }),
    }),
  )

  post(app, `${base}/check-key`, checkKeyInput, async ({ input }): Promise<CheckedKey> => {
    const read = await readPasted(input, clock.now())
    if (read === undefined) return { problem: 'there is nothing to look at' }
    if (!read.ok) return { problem: read.refusal }
    return { key_fingerprint: read.value.fingerprint, ignored: [...read.value.ignored] }
  })

  post(app, `${one}/status`, requestKeyInput, async ({ id, input }) => {
    const proven = await proveRequest(desk.reads, id as AccessRequestId, input.key, clock.now())
    if (!proven.ok) throw requesterProblem({ reason: proven.refusal })
    return show(proven.value)
  })

  for (const [name, act] of [['confirm', confirmRequest] as const, ['withdraw', withdrawRequest] as const]) {
    post(app, `${one}/${name}`, requestKeyInput, async (request) => {
      const done = await act(desk, contextOf(request), request.id as AccessRequestId, request.input.key)
      if (!done.ok) throw requesterProblem(done.refusal)
      return shownAfterwards(show(done.value))
    })
  }

  post(app, `${one}/amend`, amendInput, async (request) => {
    const { key, revision, message, form } = request.input
    const amended = await amendRequest(desk, contextOf(request), request.id as AccessRequestId, key, {
      revision,
      message,
      form: form && (Object.fromEntries(Object.entries(form)) as Amendment['form']),
    })
    if (!amended.ok) throw requesterProblem(amended.refusal)
    return shownAfterwards(show(amended.value))
  })
}
