import type { RequestFormFacts, Submitted } from '@latchkey/portal-contract'
import { Button } from '@mantine/core'
import { IconMailForward } from '@tabler/icons-react'
import { useCallback, useEffect, useState } from 'react'
import { get, post, type Problem } from '../shell/api.ts'
import { moment } from '../shell/moments.ts'
import { ProblemAlert } from '../shell/ProblemAlert.tsx'
import { loading, Shell } from '../shell/Shell.tsx'
import { forgetDraft, formOf, keepDraft, readDraft, type Draft } from './draft.ts'
import { ErrorSummary } from './ErrorSummary.tsx'
import { FormFields } from './FormFields.tsx'
import { RequesterFields } from './RequesterFields.tsx'

const invitation = /^[\w-]{43}$/.exec(globalThis.location.hash.slice(1))?.[0]

/** `/access-requests`, or with the key of an invitation in the fragment. */
export function RequestPage() {
  const [facts, setFacts] = useState<RequestFormFacts>()
  const [problem, setProblem] = useState<Problem>()
  const [sent, setSent] = useState<Submitted>()

  const load = useCallback(async () => {
    setProblem(undefined)
    const answer = await get<RequestFormFacts>('access-requests/form')
    if (answer.ok) setFacts(answer.value)
    else setProblem(answer.problem)
  }, [])
  useEffect(() => void load(), [load])

  if (sent !== undefined) return <Sent sent={sent} />
  if (facts === undefined) {
    return (
      <Shell heading={problem === undefined ? loading : 'The form could not be loaded'}>
        <ProblemAlert problem={problem} />
        {problem === undefined ? null : (
          <Button mt="md" onClick={() => void load()}>
            Try again
          </Button>
        )}
      </Shell>
    )
  }
  if (facts.mode === 'off') {
    return (
      <Shell
        heading="This server takes no requests here"
        lead="Ask the team that runs it how it gives access to its APIs."
      />
    )
  }
  if (facts.mode === 'invitation' && invitation === undefined) {
    return (
      <Shell
        heading="By invitation only"
        lead="This server takes requests for access from those whom its team has invited. Open the link of your invitation, whole, with everything behind the #; or ask the team for one."
      />
    )
  }
  if (facts.resource_servers.length === 0) {
    return (
      <Shell heading="There is nothing to ask for yet" lead="No API of this server can be asked for at the moment." />
    )
  }
  return <Form facts={facts} onSent={setSent} />
}

interface FormProps {
  readonly facts: RequestFormFacts
  readonly onSent: (sent: Submitted) => void
}

function Form({ facts, onSent }: FormProps) {
  const [draft, setDraft] = useState(readDraft)
  const [problem, setProblem] = useState<Problem>()
  const [isSending, setIsSending] = useState(false)

  const change = (changes: Partial<Draft>) => {
    const next = { ...draft, ...changes }
    setDraft(next)
    keepDraft(next)
  }
  const send = async () => {
    setIsSending(true)
    setProblem(undefined)
    const body = { ...formOf(draft), ...(invitation === undefined ? {} : { invitation }) }
    const answer = await post<Submitted>('access-requests', body)
    setIsSending(false)
    if (answer.ok) {
      forgetDraft()
      onSent(answer.value)
    } else setProblem(answer.problem)
  }

  return (
    <Shell
      heading="Ask for access"
      lead="Say who you are, what your program does and what it needs. The team looks at each request; nothing happens before you confirm your address."
    >
      <form
        className="stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          void send()
        }}
      >
        <ErrorSummary problem={problem} />
        <RequesterFields draft={draft} change={change} problem={problem} />
        <FormFields draft={draft} change={change} problem={problem} facts={facts} />
        <div className="sheet stack">
          <p className="quiet">
            You get one mail with a link. It confirms your address, and it is where you follow the request.
          </p>
          <div className="row">
            <Button type="submit" size="lg" loading={isSending} leftSection={<IconMailForward size={20} aria-hidden />}>
              Send the request
            </Button>
          </div>
        </div>
      </form>
    </Shell>
  )
}

function Sent({ sent: { contact_address: address, confirm_by: by } }: { readonly sent: Submitted }) {
  return (
    <Shell
      heading="Look into your mail"
      lead={
        <>
          A message is on its way to <strong>{address}</strong>. Open its link and press “Confirm” before {moment(by)}:
          only then does the team see your request.
        </>
      }
    >
      <p>
        No message after some minutes? Look into the folder for spam. The address may also be written wrong: then ask
        again.
      </p>
    </Shell>
  )
}
