import type { ClaimedCredential, LinkStatus } from '@latchkey/portal-contract'
import { Alert, Button, Tabs } from '@mantine/core'
import { IconCheck, IconDownload, IconHourglass } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { post } from '../shell/api.ts'
import { Copy } from '../shell/Copy.tsx'
import type { KeyedPlace } from '../shell/keyed-place.ts'
import { moment } from '../shell/moments.ts'
import { Shell } from '../shell/Shell.tsx'
import { certificateFiles } from './certificate-files.ts'
import { credentialForms } from './credential-forms.ts'

interface CredentialProps {
  readonly place: KeyedPlace
  readonly credential: ClaimedCredential
}

const attempts = 4

/** Client id and secret, this once; says to the server that they arrived as soon as they are on the screen. */
export function Credential({ place, credential }: CredentialProps) {
  const {
    client_id: clientId,
    client_name: name,
    client_secret: secret,
    certificate,
    confirm_by: confirmBy,
  } = credential
  const isNothingToKeep = credential.authentication === 'self-signed-mtls'
  const [isTaken, setIsTaken] = useState(isNothingToKeep)
  const arrival = useAcknowledgement(place, credential)
  useWarning(!isTaken)
  const taken = () => setIsTaken(true)
  const forms = credentialForms(credential)

  return (
    <Shell
      heading={isNothingToKeep ? 'Your certificate counts now' : 'Keep this now'}
      lead={
        isNothingToKeep ? (
          <>{name} proves who it is by your own certificate.</>
        ) : (
          <>The credential of {name}. This page can never show it again.</>
        )
      }
    >
      <div className="sheet stack">
        <Value label="client_id" value={clientId} onCopied={() => undefined} />
        {secret === undefined ? null : <Value label="client_secret" value={secret} onCopied={taken} />}
        {certificate?.pkcs12_password === undefined ? null : (
          <Value label="password of client.p12" value={certificate.pkcs12_password} onCopied={() => undefined} />
        )}
        {credential.registered_key === undefined ? null : (
          <p className="quiet">
            SHA-256 of its key: <span className="mono">{credential.registered_key}</span>
          </p>
        )}
        {certificate === undefined ? null : (
          <p className="quiet">
            The certificate ends on {moment(certificate.not_after)}; renew it before, as the guide says.
          </p>
        )}
        {credential.expires_at === undefined ? null : (
          <p className="quiet">The secret ends on {moment(credential.expires_at)}.</p>
        )}
        <div role="status">
          {arrival === 'confirmed' ? (
            <Alert role="group" color="teal" icon={<IconCheck size={18} aria-hidden />} title="Delivered">
              The server knows that it arrived. Whoever opens the link from now on sees when it was claimed, and nothing
              else.
            </Alert>
          ) : null}
          {arrival === 'failed' ? (
            <Alert role="group" color="yellow" icon={<IconHourglass size={18} aria-hidden />} title="Not confirmed yet">
              The server could not be told that the credential arrived. Get a token with it before {moment(confirmBy)},
              or it is revoked for safety.
            </Alert>
          ) : null}
        </div>
      </div>
      <Files credential={credential} onSaved={taken} />
      <section className="sheet stack" aria-labelledby="forms">
        <h2 id="forms">Ready to use</h2>
        <Tabs defaultValue={forms[0]?.id ?? ''} keepMounted={false}>
          <Tabs.List>
            {forms.map(({ id, title }) => (
              <Tabs.Tab key={id} value={id}>
                {title}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {forms.map(({ id, title, note, text, file }) => (
            <Tabs.Panel key={id} value={id} pt="md" className="stack">
              <p className="quiet">{note}</p>
              <pre className="code" aria-label={title}>
                {text}
              </pre>
              <div className="row">
                <Copy text={text} what={title} onCopied={taken} />
                {file === undefined ? null : (
                  <Button
                    variant="default"
                    leftSection={<IconDownload size={16} aria-hidden />}
                    onClick={() => {
                      save(file, text)
                      taken()
                    }}
                  >
                    Save as {file}
                  </Button>
                )}
              </div>
            </Tabs.Panel>
          ))}
        </Tabs>
      </section>
      <p className="quiet">
        It may: {credential.scopes.map((scope) => scope).join(', ')}. What comes next is in <a href="docs">the guide</a>
        .
      </p>
    </Shell>
  )
}

interface FilesProps {
  readonly credential: ClaimedCredential
  readonly onSaved: () => void
}

/** Certificate and key as files: what programs take them by. */
function Files({ credential, onSaved }: FilesProps) {
  const files = certificateFiles(credential)
  if (files.length === 0) return null
  // Without one of its own, the key is where its owner made it: the certificate is what must not be lost.
  const needed = files.find(({ isSecret }) => isSecret) ?? files[0]
  return (
    <section className="sheet stack" aria-labelledby="files">
      <h2 id="files">Files</h2>
      <ul className="files">
        {files.map(({ name, what, content, isSecret }) => (
          <li key={name} className="row">
            <Button
              variant="default"
              leftSection={<IconDownload size={16} aria-hidden />}
              onClick={() => {
                save(name, content)
                if (isSecret || name === needed?.name) onSaved()
              }}
            >
              Save {name}
            </Button>
            <span>{what}</span>
          </li>
        ))}
      </ul>
      {credential.certificate === undefined || credential.certificate.private_key !== undefined ? null : (
        <p className="quiet">client.key, the private key, is where you made it, with the signing request.</p>
      )}
    </section>
  )
}

interface ValueProps {
  readonly label: string
  readonly value: string
  readonly onCopied: () => void
}

function Value({ label, value, onCopied }: ValueProps) {
  return (
    <div>
      <div className="quiet" id={`label-${label.replaceAll(' ', '-')}`}>
        {label}
      </div>
      <div className="value">
        <code aria-labelledby={`label-${label.replaceAll(' ', '-')}`}>{value}</code>
        <Copy text={value} what={label} onCopied={onCopied} />
      </div>
    </div>
  )
}

/** Tells the server, once the credential was drawn; some seconds apart when it is not reached. */
function useAcknowledgement(
  { id, key }: KeyedPlace,
  { receipt }: ClaimedCredential,
): 'waiting' | 'confirmed' | 'failed' {
  const [state, setState] = useState<'waiting' | 'confirmed' | 'failed'>('waiting')
  const isBegun = useRef(false)
  useEffect(() => {
    if (isBegun.current) return
    isBegun.current = true
    const tell = async () => {
      await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
      for (let attempt = 0; attempt < attempts; attempt++) {
        const answer = await post<LinkStatus>(`claim/${id}/acknowledge`, { key, receipt }, { outlivesPage: true })
        if (answer.ok) {
          setState('confirmed')
          return
        }
        await new Promise((resolve) => setTimeout(resolve, 1000 * 2 ** attempt))
      }
      setState('failed')
    }
    void tell()
  }, [id, key, receipt])
  return state
}

/** Asks before the page is left while nothing was copied. */
function useWarning(isNeeded: boolean): void {
  useEffect(() => {
    if (!isNeeded) return undefined
    const warn = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', warn)
    return () => removeEventListener('beforeunload', warn)
  }, [isNeeded])
}

function save(name: string, content: string | Uint8Array<ArrayBuffer>): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }))
  const anchor = document.createElement('a')
  anchor.href = url
  anchor.download = name
  anchor.click()
  URL.revokeObjectURL(url)
}
