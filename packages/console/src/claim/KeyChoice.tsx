import type { LinkStatus } from '@latchkey/portal-contract'
import { Radio } from '@mantine/core'
import { csrCommand, KeyField } from '../shell/KeyField.tsx'

/** What the claim brings for the certificate that it wants. */
export interface Choice {
  readonly way: 'bring' | 'make'
  readonly csr: string
  readonly certificate: string
}

export const noChoice: Choice = { way: 'bring', csr: '', certificate: '' }

/** As the server takes it. */
export function broughtBody(needed: LinkStatus['needs_key'], { way, csr, certificate }: Choice): object {
  if (needed === 'csr') return way === 'make' ? { make_key: true } : textOf('csr', csr)
  return needed === 'certificate' ? textOf('certificate', certificate) : {}
}

function textOf(name: string, text: string): object {
  return text.trim() === '' ? {} : { [name]: text.trim() }
}

interface KeyChoiceProps {
  readonly status: LinkStatus
  readonly choice: Choice
  readonly onChange: (choice: Choice) => void
  readonly error: string | undefined
}

/** Asks for the key that the certificate is for, where the request for access named none. */
export function KeyChoice({ status: { needs_key: needed, authentication }, choice, onChange, error }: KeyChoiceProps) {
  if (needed === 'certificate') {
    return (
      <KeyField
        id="field-certificate"
        what="certificate"
        description="The one that your program shows, in PEM. Only its key counts: renew it as you like, for the same key."
        value={choice.certificate}
        onChange={(certificate) => onChange({ ...choice, certificate })}
        error={error}
      />
    )
  }
  if (needed === 'none') {
    return authentication === 'secret' || authentication === 'self-signed-mtls' ? null : (
      <p>The certificate is for the key of the signing request that came with the request for access.</p>
    )
  }
  return (
    <>
      <Radio.Group
        label="The key of the certificate"
        value={choice.way}
        onChange={(way) => onChange({ ...choice, way })}
      >
        <div className="stack radios">
          <Radio
            value="bring"
            label="I bring a signing request"
            description="The best: the private key never leaves your machine."
          />
          <Radio
            value="make"
            label="Make the key for me"
            description="The server makes it, shows it with the certificate, and forgets it. Also as PKCS #12, for Java and .NET."
          />
        </div>
      </Radio.Group>
      {choice.way === 'make' ? (
        <div role="alert">{error === undefined ? null : <p className="error">{error}</p>}</div>
      ) : (
        <>
          <pre className="code" aria-label="Command that makes key and request" tabIndex={0}>
            {csrCommand}
          </pre>
          <KeyField
            id="field-csr"
            what="csr"
            description="What is in client.csr."
            value={choice.csr}
            onChange={(csr) => onChange({ ...choice, csr })}
            error={error}
          />
        </>
      )}
    </>
  )
}
