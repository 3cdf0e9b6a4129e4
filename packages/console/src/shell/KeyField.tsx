import type { CheckedKey } from '@latchkey/portal-contract'
import { Textarea } from '@mantine/core'
import { useEffect, useState } from 'react'
import { post } from './api.ts'

interface KeyFieldProps {
  readonly id: string
  readonly what: 'csr' | 'certificate'
  readonly description: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly error: string | undefined
}

const labels = { csr: 'Certificate signing request', certificate: 'Your certificate' } as const
const pauseMs = 400

/** A signing request, or a certificate, judged by the server when it is pasted. A private key is not taken: it goes nowhere, and is kept nowhere. */
export function KeyField({ id, what, description, value, onChange, error }: KeyFieldProps) {
  const [isPrivate, setIsPrivate] = useState(false)
  const checked = useChecked(what, value)
  const take = (text: string) => {
    const holdsPrivateKey = text.includes('PRIVATE KEY')
    setIsPrivate(holdsPrivateKey)
    onChange(holdsPrivateKey ? '' : text)
  }
  const refusal = isPrivate ? 'That was a private key: it stays with you, and was not taken.' : undefined
  return (
    <>
      <Textarea
        id={id}
        label={labels[what]}
        description={description}
        rows={6}
        maxLength={16_384}
        spellCheck={false}
        autoComplete="off"
        classNames={{ input: 'mono' }}
        placeholder={what === 'csr' ? '-----BEGIN CERTIFICATE REQUEST-----' : '-----BEGIN CERTIFICATE-----'}
        value={value}
        onChange={(event) => take(event.currentTarget.value)}
        error={refusal ?? error}
        aria-describedby={`${id}-checked`}
      />
      <div id={`${id}-checked`} role="status">
        {checked === undefined ? null : (
          <ul className="checked">
            {checked.problem === undefined ? (
              <li>
                SHA-256 of its key, for comparing: <span className="mono">{checked.key_fingerprint}</span>
                {ignoredWords(checked)}
              </li>
            ) : (
              <li data-wrong>{checked.problem}</li>
            )}
          </ul>
        )}
      </div>
    </>
  )
}

function ignoredWords({ ignored = [] }: CheckedKey): string {
  return ignored.length === 0 ? '' : `. Only the key counts; ignored: ${ignored.join(', ')}`
}

/** What the server says of it, once the typing pauses; nothing while it is not reached, since it judges again when it is sent. */
function useChecked(what: KeyFieldProps['what'], value: string): CheckedKey | undefined {
  const [checked, setChecked] = useState<CheckedKey>()
  useEffect(() => {
    let isCurrent = true
    const check = async () => {
      const text = value.trim()
      const answer = text === '' ? undefined : await post<CheckedKey>('access-requests/check-key', { [what]: text })
      if (isCurrent) setChecked(answer?.ok === true ? answer.value : undefined)
    }
    const timer = setTimeout(() => void check(), pauseMs)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [what, value])
  return checked
}

/** How a partner makes key and request on his own machine. */
export const csrCommand: string =
  'openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 \\\n  -nodes -keyout client.key -subj / -out client.csr'
