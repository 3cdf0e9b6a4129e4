import type { Disowned, LinkStatus } from '@latchkey/portal-contract'
import { Alert, Button } from '@mantine/core'
import { IconShieldCheck, IconUserX } from '@tabler/icons-react'
import { useState } from 'react'
import { post, type Problem } from '../shell/api.ts'
import type { KeyedPlace } from '../shell/keyed-place.ts'
import { moment } from '../shell/moments.ts'
import { ProblemAlert } from '../shell/ProblemAlert.tsx'
import { loading, Shell } from '../shell/Shell.tsx'

interface EndedProps {
  readonly place: KeyedPlace
  readonly status: LinkStatus
}

/** A link that shows nothing any more: what became of it, and what to do. */
export function Ended({ place, status }: EndedProps) {
  const [disowned, setDisowned] = useState<Disowned>()
  if (disowned !== undefined) return <AfterDisowning {...disowned} />
  const { heading, text } = explain(status)
  return (
    <Shell heading={heading} lead={text}>
      {status.claimed_at === undefined ? null : (
        <dl className="facts sheet">
          <dt>For</dt>
          <dd>{status.client_name}</dd>
          <dt>Claimed</dt>
          <dd>{moment(status.claimed_at)}</dd>
        </dl>
      )}
      {canDisown(status) ? <NotMe place={place} status={status} onDisowned={setDisowned} /> : null}
    </Shell>
  )
}

function canDisown({ state, claimed_at: claimedAt }: LinkStatus): boolean {
  return claimedAt !== undefined && state !== 'disowned'
}

function explain({ state, client_name: name, expires_at: expiresAt }: LinkStatus): {
  readonly heading: string
  readonly text: string
} {
  switch (state) {
    case 'claimed':
      return {
        heading: 'The credential was shown already',
        text: `The link of ${name} works once. It was used, and nobody has confirmed yet that the credential arrived: if you pressed and saw nothing, it is revoked by itself 15 minutes after the claim. Ask the team for a new link then.`,
      }
    case 'delivered':
      return {
        heading: 'The credential was shown already',
        text: `The link of ${name} works once, and somebody has used it. It shows nothing any more.`,
      }
    case 'undelivered':
      return {
        heading: 'Not delivered: ask for a new link',
        text: 'The credential was shown, but nobody confirmed or used it within 15 minutes, so it was revoked.',
      }
    case 'disowned':
      return {
        heading: 'The credential was revoked',
        text: 'Somebody with this link said that the claim was not theirs. Ask the team for a new link.',
      }
    case 'revoked':
      return {
        heading: 'This link was revoked',
        text: 'The team ended it, or made a newer one. Look for a later message, or ask for a new link.',
      }
    case 'locked':
      return {
        heading: 'This link is dead',
        text: 'Five wrong codes were entered. No credential was made. Ask the team for a new link.',
      }
    case 'expired':
      return {
        heading: 'This link has expired',
        text: `Nobody claimed it before ${moment(expiresAt)}. Ask the team for a new link.`,
      }
    default:
      return { heading: loading, text: '' }
  }
}

interface NotMeProps extends EndedProps {
  readonly onDisowned: (disowned: Disowned) => void
}

/** One button, and a second one that means it. */
function NotMe({ place: { id, key }, status, onDisowned }: NotMeProps) {
  const [isSure, setIsSure] = useState(false)
  const [isAsking, setIsAsking] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const disown = async () => {
    setIsAsking(true)
    setProblem(undefined)
    const answer = await post<Disowned>(`claim/${id}/disown`, { key })
    setIsAsking(false)
    if (answer.ok) onDisowned(answer.value)
    else setProblem(answer.problem)
  }
  const until = status.disown_until ?? 0
  const revokes = until * 1000 >= Date.now()
  return (
    <section className="sheet stack" aria-labelledby="not-me">
      <h2 id="not-me">Was it you, or a colleague?</h2>
      <p>
        {revokes
          ? `If it was not, say so before ${moment(until)}: the credential is revoked at once, and the team is told.`
          : 'If it was not, say so: the team is told. The claim is more than seven days old, so nothing is revoked by itself.'}
      </p>
      <ProblemAlert problem={problem} />
      {isSure ? (
        <div className="row" role="group" aria-label="Are you sure?">
          <span>
            {revokes ? 'Every program that uses the credential stops working.' : 'The team will ask questions.'}
          </span>
          <Button color="red" loading={isAsking} onClick={() => void disown()} autoFocus>
            Yes, that was not me
          </Button>
          <Button variant="default" onClick={() => setIsSure(false)}>
            Cancel
          </Button>
        </div>
      ) : (
        <div className="row">
          <Button
            color="red"
            variant="outline"
            leftSection={<IconUserX size={18} aria-hidden />}
            onClick={() => setIsSure(true)}
          >
            That was not me
          </Button>
        </div>
      )}
    </section>
  )
}

function AfterDisowning({ revoked, status }: Disowned) {
  return (
    <Shell heading={revoked ? 'The credential is revoked' : 'The team was told'}>
      <Alert color="teal" icon={<IconShieldCheck size={18} aria-hidden />}>
        {revoked
          ? `Nobody gets a token with it any more, and the tokens that were got with it are refused. The team of ${globalThis.location.host} was told. Ask it for a new link.`
          : 'Nothing was revoked by itself, because the claim is more than seven days old. The team decides what to do.'}
      </Alert>
      <p className="quiet">For {status.client_name}.</p>
    </Shell>
  )
}
