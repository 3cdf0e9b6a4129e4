import type { AccessRequestStatus, RequestFormFacts } from '@latchkey/portal-contract'
import { Button, Textarea } from '@mantine/core'
import { IconEdit, IconSend, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { draftOf, formOf, type Draft } from '../request/draft.ts'
import { FormFields } from '../request/FormFields.tsx'
import { get, post } from '../shell/api.ts'
import { moment } from '../shell/moments.ts'
import type { RequestProps } from './request-props.ts'

/** What was said, and what the requester can still say, change or take back. */
export function Conversation(props: RequestProps) {
  const { request } = props
  const isOpen = request.state === 'submitted' || request.state === 'changes_requested'
  if (!isOpen && request.messages.length === 0) return null
  return (
    <section className="sheet stack" aria-labelledby="messages">
      <h2 id="messages">Questions and answers</h2>
      {request.messages.map(({ at, from, text }) => (
        <div key={`${at} ${from} ${text}`}>
          <strong>{from === 'team' ? 'The team' : 'You'}</strong> <span className="quiet">{moment(at)}</span>
          <p className="said">{text}</p>
        </div>
      ))}
      {isOpen ? <Answering {...props} /> : null}
    </section>
  )
}

interface Changed {
  /** What the visitor saw when he began: only what differs from it is sent. */
  readonly base: Draft
  readonly draft: Draft
  readonly facts: RequestFormFacts
}

function Answering({ place: { id, key }, request, problem, onAnswer, onStale }: RequestProps) {
  const [message, setMessage] = useState('')
  const [changed, setChanged] = useState<Changed>()
  const [isAsking, setIsAsking] = useState(false)
  const [isSure, setIsSure] = useState(false)

  const begin = async () => {
    const facts = await get<RequestFormFacts>('access-requests/form')
    const base = draftOf(request.form)
    if (facts.ok) setChanged({ base, draft: base, facts: facts.value })
    else onAnswer(facts)
  }
  const send = async () => {
    setIsAsking(true)
    const answer = await post<AccessRequestStatus>(`access-requests/${id}/amend`, {
      key,
      revision: request.revision,
      ...(message.trim() === '' ? {} : { message }),
      ...(changed === undefined ? {} : { form: amendment(changed) }),
    })
    setIsAsking(false)
    // Somebody changed it in another window: what it is now has to be seen before anything is sent on top of it.
    if (!answer.ok && answer.problem.reason === 'request.stale') {
      await onStale(answer.problem)
      return
    }
    onAnswer(answer)
    if (answer.ok) {
      setMessage('')
      setChanged(undefined)
    }
  }
  const withdraw = async () => {
    setIsAsking(true)
    onAnswer(await post(`access-requests/${id}/withdraw`, { key }))
    setIsAsking(false)
  }

  return (
    <div className="stack">
      {changed === undefined ? null : (
        <FormFields
          draft={changed.draft}
          change={(changes) => setChanged({ ...changed, draft: { ...changed.draft, ...changes } })}
          problem={problem}
          facts={changed.facts}
        />
      )}
      <Textarea
        label={request.state === 'changes_requested' ? 'Your answer' : 'A message to the team'}
        rows={4}
        maxLength={4000}
        value={message}
        onChange={(event) => setMessage(event.currentTarget.value)}
      />
      <div className="row">
        <Button
          leftSection={<IconSend size={18} aria-hidden />}
          loading={isAsking}
          disabled={message.trim() === '' && changed === undefined}
          onClick={() => void send()}
        >
          {changed === undefined ? 'Send' : 'Send the changed request'}
        </Button>
        {changed === undefined ? (
          <Button variant="default" leftSection={<IconEdit size={18} aria-hidden />} onClick={() => void begin()}>
            Change what is asked for
          </Button>
        ) : (
          <Button variant="default" onClick={() => setChanged(undefined)}>
            Leave it as it was
          </Button>
        )}
        {isSure ? (
          <span className="row" role="group" aria-label="Are you sure?">
            <Button color="red" loading={isAsking} onClick={() => void withdraw()} autoFocus>
              Yes, take it back
            </Button>
            <Button variant="default" onClick={() => setIsSure(false)}>
              Cancel
            </Button>
          </span>
        ) : (
          <Button
            color="red"
            variant="outline"
            leftSection={<IconTrash size={18} aria-hidden />}
            onClick={() => setIsSure(true)}
          >
            Withdraw
          </Button>
        )}
      </div>
    </div>
  )
}

/** What was changed, and no more: what others changed meanwhile stays. The contact's address is the one that was confirmed. */
function amendment({ base, draft }: Changed) {
  const [before, after] = [formOf(base), formOf(draft)]
  const differs = Object.entries(after).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name as keyof typeof before]),
  )
  const { contact_address: _address, ...form } = Object.fromEntries(differs)
  // What was pasted, and is not any more, is taken back.
  const gone = (['csr', 'certificate'] as const).filter(
    (name) => before[name] !== undefined && after[name] === undefined,
  )
  return { ...form, ...Object.fromEntries(gone.map((name) => [name, null])) }
}
