import type { AccessRequestForm, RequestFormFacts } from '@latchkey/portal-contract'
import { Radio, Textarea, TextInput } from '@mantine/core'
import type { Problem } from '../shell/api.ts'
import { AddressField } from './AddressField.tsx'
import { AuthenticationFields } from './AuthenticationFields.tsx'
import type { Draft } from './draft.ts'
import { errorOf } from './ErrorSummary.tsx'
import { ScopePicker } from './ScopePicker.tsx'

interface FieldsProps {
  readonly draft: Draft
  readonly change: (changes: Partial<Draft>) => void
  readonly problem: Problem | undefined
  readonly facts: RequestFormFacts
}

const kinds: Readonly<Record<AccessRequestForm['application_kind'], string>> = {
  service: 'A service: it runs on servers and answers others',
  daemon: 'A daemon: it runs by itself, now and then or always',
  'command-line': 'A command line tool',
  device: 'A device',
}

/** The program, what it needs and where it runs: what can also be changed later. */
export function FormFields({ draft, change, problem, facts }: FieldsProps) {
  return (
    <>
      <section className="sheet stack" aria-labelledby="program">
        <h2 id="program">The program</h2>
        <TextInput
          id="field-application_name"
          label="Its name"
          maxLength={120}
          required
          value={draft.application_name}
          onChange={(event) => change({ application_name: event.currentTarget.value })}
          error={errorOf(problem, 'application_name')}
        />
        <Radio.Group
          id="field-application_kind"
          label="What it is"
          value={draft.application_kind}
          onChange={(kind) => change({ application_kind: kind })}
          error={errorOf(problem, 'application_kind')}
        >
          <div className="stack radios">
            {facts.application_kinds.map((kind) => (
              <Radio key={kind} value={kind} label={kinds[kind]} />
            ))}
          </div>
        </Radio.Group>
        <Textarea
          id="field-purpose"
          label="What it does with the API"
          description="A few sentences help the team to decide soon."
          maxLength={4000}
          rows={5}
          required
          value={draft.purpose}
          onChange={(event) => change({ purpose: event.currentTarget.value })}
          error={errorOf(problem, 'purpose')}
        />
        <div className="pair">
          <TextInput
            id="field-environment"
            label="Environment"
            description="For example production or test."
            maxLength={60}
            required
            value={draft.environment}
            onChange={(event) => change({ environment: event.currentTarget.value })}
            error={errorOf(problem, 'environment')}
          />
          <TextInput
            id="field-client_id"
            label="Existing client_id"
            description="Only if a client of yours shall get more access."
            maxLength={64}
            spellCheck={false}
            value={draft.client_id}
            onChange={(event) => change({ client_id: event.currentTarget.value })}
            error={errorOf(problem, 'client_id')}
          />
        </div>
      </section>
      <section className="sheet stack" aria-labelledby="access">
        <h2 id="access">What it needs</h2>
        <ScopePicker
          facts={facts}
          chosen={draft.scopes}
          onChange={(scopes) => change({ scopes })}
          error={errorOf(problem, 'scopes')}
        />
      </section>
      <section className="sheet stack" aria-labelledby="from">
        <h2 id="from">Where it calls from</h2>
        <AddressField draft={draft} change={change} error={errorOf(problem, 'source_addresses')} />
      </section>
      <AuthenticationFields draft={draft} change={change} problem={problem} facts={facts} />
    </>
  )
}
