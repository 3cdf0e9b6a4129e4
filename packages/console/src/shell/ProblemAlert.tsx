import { Alert } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { Problem } from './api.ts'

/** What was not done, and what to do; read out when it appears. */
export function ProblemAlert({ problem }: { readonly problem: Problem | undefined }) {
  return (
    <div role="alert">
      {problem === undefined ? null : (
        <Alert role="group" color="red" title={problem.title} icon={<IconAlertTriangle size={18} aria-hidden />}>
          {sentence(problem.detail)}
        </Alert>
      )}
    </div>
  )
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(first) ? first : `${first}.`
}
