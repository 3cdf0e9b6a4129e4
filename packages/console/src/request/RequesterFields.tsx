import { TextInput } from '@mantine/core'
import type { Problem } from '../shell/api.ts'
import type { Draft } from './draft.ts'
import { errorOf } from './ErrorSummary.tsx'

interface FieldsProps {
  readonly draft: Draft
  readonly change: (changes: Partial<Draft>) => void
  readonly problem: Problem | undefined
}

/** Who asks. */
export function RequesterFields({ draft, change, problem }: FieldsProps) {
  return (
    <section className="sheet stack" aria-labelledby="who">
      <h2 id="who">Who asks</h2>
      <TextInput
        id="field-organisation"
        label="Organisation"
        autoComplete="organization"
        maxLength={120}
        required
        value={draft.organisation}
        onChange={(event) => change({ organisation: event.currentTarget.value })}
        error={errorOf(problem, 'organisation')}
      />
      <div className="pair">
        <TextInput
          id="field-contact_name"
          label="Your name"
          autoComplete="name"
          maxLength={120}
          required
          value={draft.contact_name}
          onChange={(event) => change({ contact_name: event.currentTarget.value })}
          error={errorOf(problem, 'contact_name')}
        />
        <TextInput
          id="field-contact_address"
          label="Your e-mail address"
          description="Of your organisation. The credential goes there, too."
          type="email"
          autoComplete="email"
          maxLength={254}
          required
          value={draft.contact_address}
          onChange={(event) => change({ contact_address: event.currentTarget.value })}
          error={errorOf(problem, 'contact_address')}
        />
      </div>
    </section>
  )
}
