import { Alert } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useEffect, useRef } from 'react'
import type { Problem } from '../shell/api.ts'

/** What was wrong with the form, in one place that readers are taken to; each entry leads to its field. */
export function ErrorSummary({ problem }: { readonly problem: Problem | undefined }) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (problem !== undefined) box.current?.focus()
  }, [problem])
  if (problem === undefined) return null
  return (
    <div ref={box} tabIndex={-1} role="alert">
      <Alert role="group" color="red" title={problem.title} icon={<IconAlertTriangle size={18} aria-hidden />}>
        {problem.errors.length === 0 ? (
          problem.detail
        ) : (
          <ul>
            {problem.errors.map(({ field, message }) => (
              <li key={field}>
                <a href={`#field-${rootOf(field)}`} onClick={(event) => goTo(event, rootOf(field))}>
                  {nameOf(field)}
                </a>
                : {message}
              </li>
            ))}
          </ul>
        )}
      </Alert>
    </div>
  )
}

/** The first thing that is wrong with a field of the form. */
export function errorOf(problem: Problem | undefined, field: string): string | undefined {
  return problem?.errors.find((error) => rootOf(error.field) === field)?.message
}

function rootOf(field: string): string {
  const [first = '', second = ''] = field.split('.')
  return first === 'form' ? second : first
}

function nameOf(field: string): string {
  return rootOf(field).replaceAll('_', ' ')
}

/** Not by the address: its fragment may be the key of an invitation. */
function goTo(event: { preventDefault: () => void }, field: string): void {
  event.preventDefault()
  document.querySelector<HTMLElement>(`#field-${field}`)?.focus()
}
