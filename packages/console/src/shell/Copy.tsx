import { Button } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useEffect, useState } from 'react'

interface CopyProps {
  readonly text: string
  /** What is copied: for those who do not see where the button stands. */
  readonly what: string
  readonly onCopied?: () => void
}

/** Copies, and says so. */
export function Copy({ text, what, onCopied }: CopyProps) {
  const [state, setState] = useState<'ready' | 'copied' | 'failed'>('ready')
  useEffect(() => {
    if (state !== 'copied') return undefined
    const timer = setTimeout(() => setState('ready'), 2500)
    return () => clearTimeout(timer)
  }, [state])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setState('copied')
      onCopied?.()
    } catch {
      setState('failed')
    }
  }
  return (
    <>
      <Button
        variant="default"
        leftSection={state === 'copied' ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
        aria-label={`Copy ${what}`}
        onClick={() => void copy()}
      >
        {state === 'copied' ? 'Copied' : 'Copy'}
      </Button>
      <span className={state === 'failed' ? 'error' : 'hidden'} role="status">
        {state === 'copied' ? `${what} copied` : ''}
        {state === 'failed' ? 'The browser did not copy it: select it and copy it by hand.' : ''}
      </span>
    </>
  )
}
