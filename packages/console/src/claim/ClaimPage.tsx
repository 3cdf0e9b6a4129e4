import type { ClaimedCredential, LinkStatus } from '@latchkey/portal-contract'
import { Button, TextInput } from '@mantine/core'
import { IconEye } from '@tabler/icons-react'
import { useCallback, useEffect, useState } from 'react'
import { flushSync } from 'react-dom'
import { post, type Problem } from '../shell/api.ts'
import { keyedPlace } from '../shell/keyed-place.ts'
import { moment } from '../shell/moments.ts'
import { ProblemAlert } from '../shell/ProblemAlert.tsx'
import { loading, Shell } from '../shell/Shell.tsx'
import { Credential } from './Credential.tsx'
import { Ended } from './Ended.tsx'
import { broughtBody, KeyChoice, noChoice } from './KeyChoice.tsx'

const place = keyedPlace()

/** `/claim/<id>#<key>`: looks at the link, which spends nothing; the credential comes only when somebody presses. */
export function ClaimPage() {
  const [status, setStatus] = useState<LinkStatus>()
  const [problem, setProblem] = useState<Problem>()
  const [claimed, setClaimed] = useState<ClaimedCredential>()

  const look = useCallback(async () => {
    if (place === undefined) return
    setProblem(undefined)
    const answer = await post<LinkStatus>(`claim/${place.id}/status`, { key: place.key })
    if (answer.ok) setStatus(answer.value)
    else setProblem(answer.problem)
  }, [])
  useEffect(() => void look(), [look])

  // What was shown does not outlive the page in the browser's memory of it.
  useEffect(() => {
    // At once: a page may be frozen right after this event.
    const forget = () => flushSync(() => setClaimed(undefined))
    addEventListener('pagehide', forget)
    return () => removeEventListener('pagehide', forget)
  }, [])

  if (place === undefined || problem?.reason === 'link.unknown') return <Unknown />
  if (claimed !== undefined) return <Credential place={place} credential={claimed} />
  if (status === undefined) {
    return (
      <Shell heading={problem === undefined ? loading : 'The link could not be looked at'}>
        <ProblemAlert problem={problem} />
        {problem === undefined ? null : (
          <Button mt="md" onClick={() => void look()}>
            Try again
          </Button>
        )}
      </Shell>
    )
  }
  if (status.state !== 'open') return <Ended place={place} status={status} />
  return <Open place={place} status={status} onClaimed={setClaimed} onChanged={look} />
}

/** What a link delivers, in words. */
const things = {
  secret: 'the secret',
  'secret-and-certificate': 'secret and certificate',
  mtls: 'the certificate',
  'self-signed-mtls': 'the client_id',
} as const

function keyError({ reason, detail }: Problem): string {
  return reason === 'link.key_needed' ? 'This is needed first.' : detail
}

/** Refusals after which the link is as it was. */
const stays: ReadonlySet<string> = new Set([
  'link.code_wrong',
  'link.code_needed',
  'link.key_needed',
  'link.key_unsuitable',
])

interface OpenProps {
  readonly place: { readonly id: string; readonly key: string }
  readonly status: LinkStatus
  readonly onClaimed: (credential: ClaimedCredential) => void
  readonly onChanged: () => Promise<void>
}

function Open({ place: { id, key }, status, onClaimed, onChanged }: OpenProps) {
  const [code, setCode] = useState('')
  const [choice, setChoice] = useState(noChoice)
  const [isAsking, setIsAsking] = useState(false)
  const [problem, setProblem] = useState<Problem>()

  const claim = async () => {
    setIsAsking(true)
    setProblem(undefined)
    const answer = await post<ClaimedCredential>(`claim/${id}`, {
      key,
      ...(code === '' ? {} : { code }),
      ...broughtBody(status.needs_key, choice),
    })
    setIsAsking(false)
    if (answer.ok) {
      onClaimed(answer.value)
      return
    }
    setProblem(answer.problem)
    if (!stays.has(answer.problem.reason)) await onChanged()
  }
  const isKeyWrong = problem?.reason.startsWith('link.key_') === true
  const isCodeWrong = problem?.reason === 'link.code_wrong' || problem?.reason === 'link.code_needed'

  return (
    <Shell
      heading="Your credential is ready"
      lead={
        <>
          It is {things[status.authentication]} of <strong>{status.client_name}</strong>, and this page shows it{' '}
          <strong>once</strong>. Looking at this page has spent nothing yet.
        </>
      }
    >
      <form
        className="sheet stack"
        onSubmit={(event) => {
          event.preventDefault()
          void claim()
        }}
      >
        <h2>Before you press</h2>
        <ul>
          {status.authentication === 'self-signed-mtls' ? (
            <li>From now on your own certificate counts. Its private key stays where it is.</li>
          ) : (
            <>
              <li>Know where it will live: a secret manager, a variable of your program, or a file of its own.</li>
              <li>Never in source code, a ticket or a chat.</li>
            </>
          )}
          <li>The link ends on {moment(status.expires_at)}.</li>
        </ul>
        {status.needs_code ? (
          <TextInput
            label="One-time code"
            description="The team gave it to you by another way than this link. After five wrong codes the link is dead."
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
            error={isCodeWrong ? problem.title : undefined}
            autoComplete="one-time-code"
            inputMode="numeric"
            maxLength={32}
            required
          />
        ) : null}
        <KeyChoice
          status={status}
          choice={choice}
          onChange={setChoice}
          error={isKeyWrong ? keyError(problem) : undefined}
        />
        {isCodeWrong || isKeyWrong ? null : <ProblemAlert problem={problem} />}
        <div className="row">
          <Button type="submit" size="lg" loading={isAsking} leftSection={<IconEye size={20} aria-hidden />}>
            {status.authentication === 'self-signed-mtls' ? 'Register the certificate' : 'Show the credential'}
          </Button>
        </div>
      </form>
      <p className="quiet">
        Rather not see it at all?{' '}
        <span className="mono">npx --package @latchkey/client latchkey-client claim LINK --to env:FILE</span> takes it
        straight into a file{status.needs_key === 'csr' ? ', and makes the key where it belongs' : ''}.
      </p>
    </Shell>
  )
}

/** The same for a link that never was and for a key that is wrong: nobody learns which. */
function Unknown() {
  return (
    <Shell
      heading="This link leads nowhere"
      lead="Check that it was copied whole, with everything behind the #. Some programs cut long links at the end of a line."
    >
      <p>If it is whole and still leads nowhere, ask the team that sent it for a new one.</p>
    </Shell>
  )
}
