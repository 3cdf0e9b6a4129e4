import type { CheckedAddresses } from '@latchkey/portal-contract'
import { Textarea } from '@mantine/core'
import { useEffect, useState } from 'react'
import { post } from '../shell/api.ts'
import { addressesOf, type Draft } from './draft.ts'

interface AddressFieldProps {
  readonly draft: Draft
  readonly change: (changes: Partial<Draft>) => void
  readonly error: string | undefined
}

const pauseMs = 400

/** Source addresses, judged by the server while they are typed. */
export function AddressField({ draft, change, error }: AddressFieldProps) {
  const checked = useChecked(draft)
  return (
    <>
      <Textarea
        id="field-source_addresses"
        label="Source addresses"
        description="The public addresses or CIDRs that your traffic leaves from, one a line; empty if they change. Once approved, your program can call from these alone."
        rows={3}
        spellCheck={false}
        value={draft.source_addresses}
        onChange={(event) => change({ source_addresses: event.currentTarget.value })}
        error={error}
        aria-describedby="checked-addresses"
      />
      <div id="checked-addresses" role="status">
        {checked.length === 0 ? null : (
          <ul className="checked">
            {checked.map(({ given, cidr, problem, note }) => (
              <li key={given} data-wrong={problem === undefined ? undefined : true}>
                <span className="mono">{cidr ?? given}</span>
                {problem === undefined ? '' : `: ${problem}`}
                {note === undefined ? '' : `: ${note}`}
              </li>
            ))}
          </ul>
        )}
      </div>
    </>
  )
}

/** What the server says of them, once the typing pauses; nothing while it is not reached, since it judges again when the form is sent. */
function useChecked(draft: Draft): CheckedAddresses['addresses'] {
  const [checked, setChecked] = useState<CheckedAddresses['addresses']>([])
  const typed = [...new Set(addressesOf(draft))].slice(0, 100).join('\n')
  useEffect(() => {
    let isCurrent = true
    const check = async () => {
      const addresses = typed === '' ? [] : typed.split('\n').map((line) => line.slice(0, 64))
      const answer =
        addresses.length === 0
          ? undefined
          : await post<CheckedAddresses>('access-requests/check-addresses', { source_addresses: addresses })
      if (isCurrent) setChecked(answer?.ok === true ? answer.value.addresses : [])
    }
    const timer = setTimeout(() => void check(), pauseMs)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [typed])
  return checked
}
