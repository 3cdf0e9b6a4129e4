import type { AccessRequestStatus } from '@latchkey/portal-contract'
import { Badge, Button } from '@mantine/core'
import { IconMailCheck } from '@tabler/icons-react'
import { useCallback, useEffect, useState } from 'react'
import { post, type Answer, type Problem } from '../shell/api.ts'
import { ways } from '../request/AuthenticationFields.tsx'
import { ErrorSummary } from '../request/ErrorSummary.tsx'
import { keyedPlace } from '../shell/keyed-place.ts'
import { moment } from '../shell/moments.ts'
import { ProblemAlert } from '../shell/ProblemAlert.tsx'
import { loading, Shell } from '../shell/Shell.tsx'
import { Conversation } from './Conversation.tsx'
import { explain, explainDelivery } from './explain.ts'
import type { RequestProps } from './request-props.ts'

const place = keyedPlace()

/** `/access-requests/<id>#<key>`: how far a request is, and what its requester can do. */
export function StatusPage() {
  const [request, setRequest] = useState<AccessRequestStatus>()
  const [problem, setProblem] = useState<Problem>()
  const take = useCallback((answer: Answer<AccessRequestStatus>) => {
    if (answer.ok) setRequest(answer.value)
    setProblem(answer.ok ? undefined : answer.problem)
  }, [])
  const look = useCallback(async () => {
    if (place !== undefined) take(await post(`access-requests/${place.id}/status`, { key: place.key }))
  }, [take])
  useEffect(() => void look(), [look])
  const showAgain = async (stale: Problem) => {
    await look()
    setProblem(stale)
  }

  if (place === undefined || (request === undefined && problem?.reason === 'request.unknown')) return <Unknown />
  if (request === undefined) {
    return (
      <Shell heading={problem === undefined ? loading : 'The request could not be loaded'}>
        <ProblemAlert problem={problem} />
        {problem === undefined ? null : (
          <Button mt="md" onClick={() => void look()}>
            Try again
          </Button>
        )}
      </Shell>
    )
  }
  return <Request place={place} request={request} problem={problem} onAnswer={take} onStale={showAgain} />
}

function Request(props: RequestProps) {
  const { request, problem } = props
  const { heading, lead } = explain(request)
  return (
    <Shell heading={heading} lead={lead}>
      <ErrorSummary problem={problem} />
      {request.state === 'unconfirmed' ? <Confirm {...props} /> : null}
      {request.state === 'unconfirmed' ? null : <Progress request={request} />}
      <Decision request={request} />
      <WhatIsAsked request={request} />
      {request.state === 'unconfirmed' ? null : <Conversation {...props} />}
    </Shell>
  )
}

function Confirm({ place: { id, key }, request, onAnswer }: RequestProps) {
  const [isAsking, setIsAsking] = useState(false)
  const confirm = async () => {
    setIsAsking(true)
    onAnswer(await post(`access-requests/${id}/confirm`, { key }))
    setIsAsking(false)
  }
  return (
    <div className="sheet stack">
      <p>
        This proves that <strong>{request.form.contact_address}</strong> is yours, and puts the request before the team.
      </p>
      <div className="row">
        <Button
          size="lg"
          loading={isAsking}
          leftSection={<IconMailCheck size={20} aria-hidden />}
          onClick={() => void confirm()}
        >
          Confirm my address and send the request
        </Button>
      </div>
    </div>
  )
}

function Progress({ request }: { readonly request: AccessRequestStatus }) {
  const { submitted_at: submitted, decided_at: decided, delivery } = request
  return (
    <section className="sheet stack" aria-labelledby="progress">
      <h2 id="progress">How far it is</h2>
      <ol className="steps">
        <li data-done>
          Address confirmed, and sent to the team{submitted === undefined ? '' : `: ${moment(submitted)}`}
        </li>
        <li data-done={decided === undefined ? undefined : true}>
          {decided === undefined ? 'The team decides' : `Decided: ${moment(decided)}`}
        </li>
        {delivery === undefined ? null : (
          <li data-done={delivery === 'delivered' ? true : undefined}>{explainDelivery(delivery)}</li>
        )}
      </ol>
      {request.expires_at === undefined ? null : (
        <p className="quiet">It is closed by itself on {moment(request.expires_at)} if nothing happens until then.</p>
      )}
    </section>
  )
}

function Decision({ request: { reason, client_id: clientId } }: { readonly request: AccessRequestStatus }) {
  if (reason === undefined && clientId === undefined) return null
  return (
    <section className="sheet stack" aria-labelledby="decision">
      <h2 id="decision">What the team says</h2>
      {reason === undefined ? null : <p className="said">{reason}</p>}
      {clientId === undefined ? null : (
        <dl className="facts">
          <dt>client_id</dt>
          <dd className="mono">{clientId}</dd>
        </dl>
      )}
    </section>
  )
}

const colours = { pending: 'gray', approved: 'teal', refused: 'red' } as const

function WhatIsAsked({
  request: { form, scopes, key_fingerprint: fingerprint },
}: {
  readonly request: AccessRequestStatus
}) {
  return (
    <section className="sheet stack" aria-labelledby="asked">
      <h2 id="asked">What is asked for</h2>
      <ul className="scopes">
        {scopes.map(({ scope, description, why, decision, ends_at: end }) => (
          <li key={scope}>
            <div className="row">
              <code>{scope}</code>
              <Badge color={colours[decision]} variant="light">
                {decision}
              </Badge>
              {end === undefined ? null : <span className="quiet">until {moment(end)}</span>}
            </div>
            <div>{description}</div>
            {why === undefined ? null : <p className="said quiet">{why}</p>}
          </li>
        ))}
      </ul>
      <dl className="facts">
        <dt>Organisation</dt>
        <dd>{form.organisation}</dd>
        <dt>Contact</dt>
        <dd>
          {form.contact_name}, {form.contact_address}
        </dd>
        <dt>Program</dt>
        <dd>
          {form.application_name} ({form.application_kind})
        </dd>
        {form.client_id === undefined ? (
          <>
            <dt>Proves itself</dt>
            <dd>{ways[form.authentication].name}</dd>
          </>
        ) : null}
        {fingerprint === undefined ? null : (
          <>
            <dt>Its key</dt>
            <dd className="mono">{fingerprint}</dd>
          </>
        )}
        <dt>Environment</dt>
        <dd>{form.environment}</dd>
        <dt>Purpose</dt>
        <dd className="said">{form.purpose}</dd>
        {form.client_id === undefined ? null : (
          <>
            <dt>For client</dt>
            <dd className="mono">{form.client_id}</dd>
          </>
        )}
        {form.source_addresses.length === 0 ? null : (
          <>
            <dt>Addresses</dt>
            <dd className="mono">{form.source_addresses.join(', ')}</dd>
          </>
        )}
      </dl>
    </section>
  )
}

function Unknown() {
  return (
    <Shell
      heading="This link leads nowhere"
      lead="Check that it was copied whole, with everything behind the #. A request whose address was not confirmed is forgotten after 24 hours."
    >
      <p>
        <a href="access-requests">Ask for access</a>
      </p>
    </Shell>
  )
}
