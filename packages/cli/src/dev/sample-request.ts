import { makeSampleRequest, newRequestId, type RunningServer } from '@latchkey/server'

/** What a newcomer can decide on: a request that waits, and its revision. */
export interface SampleRequest {
  readonly id: string
  readonly revision: number
}

const form = {
  organisation: 'Example Partner Ltd',
  contact_name: 'Robin Example',
  contact_address: 'robin@partner.example',
  application_name: 'Nightly sync',
  application_kind: 'service',
  scopes: [
    { scope: 'configurations/configurations.read', why: 'To show the configurations in our shop.' },
    { scope: 'configurations/configurations.write', why: 'To correct prices.' },
  ],
  purpose: 'A job that reads the product configurations each night.\nThis request is an example: approve or reject it.',
  environment: 'production',
  source_addresses: [],
  authentication: 'secret',
} as const

/** Puts one request in the queue of a new installation, as if a partner had sent and confirmed it. Answers it while it waits. */
export async function prepareSampleRequest({ services }: RunningServer): Promise<SampleRequest | undefined> {
  const { requests, random, clock } = services
  const context = { actor: 'dev', requestId: newRequestId(random, clock.now()), now: clock.now() }
  const { items } = await requests.reads.list({ limit: 1000 })
  const known = items.find((request) => request.form.contact_address === form.contact_address)
  const request =
    known ?? (await makeSampleRequest(requests, context, { ...form, scopes: [...form.scopes], source_addresses: [] }))
  const waits = request?.state === 'submitted' || request?.state === 'changes_requested'
  return waits ? { id: request.id, revision: request.revision } : undefined
}
