import type { AuthenticationMethod, RequestFormFacts } from '@latchkey/portal-contract'
import { Radio } from '@mantine/core'
import type { Problem } from '../shell/api.ts'
import { csrCommand, KeyField } from '../shell/KeyField.tsx'
import { takesCsr, type Draft } from './draft.ts'
import { errorOf } from './ErrorSummary.tsx'

interface FieldsProps {
  readonly draft: Draft
  readonly change: (changes: Partial<Draft>) => void
  readonly problem: Problem | undefined
  readonly facts: RequestFormFacts
}

export const ways: Readonly<Record<AuthenticationMethod, { readonly name: string; readonly note: string }>> = {
  secret: { name: 'By a client secret', note: 'The simplest. Whoever has the secret is believed.' },
  'secret-and-certificate': {
    name: 'By a client secret, over a connection with a certificate of this server',
    note: 'Who copies the secret alone has nothing.',
  },
  mtls: {
    name: 'By a certificate of this server (mutual TLS)',
    note: 'No secret: the private key stays on your machine. It is renewed every 90 days.',
  },
  'self-signed-mtls': {
    name: 'By a certificate of your own',
    note: 'Its key is registered here; you renew the certificate yourself.',
  },
}

/** How the program proves who it is, of what this server can do; and the key that the certificate shall be for. */
export function AuthenticationFields({ draft, change, problem, facts }: FieldsProps) {
  const { authentication: offered } = facts
  return (
    <section className="sheet stack" aria-labelledby="proof">
      <h2 id="proof">How it proves who it is</h2>
      {offered.length === 1 ? (
        <p className="quiet">By client_id and secret. This server offers no certificates.</p>
      ) : draft.client_id.trim() === '' ? (
        <>
          <Radio.Group
            id="field-authentication"
            label="It proves who it is"
            value={draft.authentication}
            onChange={(authentication) => change({ authentication })}
            error={errorOf(problem, 'authentication')}
          >
            <div className="stack radios">
              {offered.map((way) => (
                <Radio key={way} value={way} label={ways[way].name} description={ways[way].note} />
              ))}
            </div>
          </Radio.Group>
          <Key draft={draft} change={change} problem={problem} />
        </>
      ) : (
        <p className="quiet">The client that you named keeps its way to prove who it is.</p>
      )}
    </section>
  )
}

function Key({ draft, change, problem }: Omit<FieldsProps, 'facts'>) {
  if (takesCsr(draft.authentication)) {
    return (
      <>
        <KeyField
          id="field-csr"
          what="csr"
          description="Optional. The certificate is then for this key alone, whoever opens its link. Without it you bring one when you take the certificate."
          value={draft.csr}
          onChange={(csr) => change({ csr })}
          error={errorOf(problem, 'csr')}
        />
        <p className="quiet">This makes one, and the private key beside it, which you send to nobody:</p>
        <pre className="code" aria-label="Command that makes key and request" tabIndex={0}>
          {csrCommand}
        </pre>
      </>
    )
  }
  if (draft.authentication !== 'self-signed-mtls') return null
  return (
    <KeyField
      id="field-certificate"
      what="certificate"
      description="PEM. Optional: without it you bring the certificate when you take the client_id."
      value={draft.certificate}
      onChange={(certificate) => change({ certificate })}
      error={errorOf(problem, 'certificate')}
    />
  )
}
