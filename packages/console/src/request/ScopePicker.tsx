import type { RequestFormFacts } from '@latchkey/portal-contract'
import { Checkbox, TextInput } from '@mantine/core'

interface ScopePickerProps {
  readonly facts: RequestFormFacts
  readonly chosen: Readonly<Record<string, string>>
  readonly onChange: (chosen: Readonly<Record<string, string>>) => void
  readonly error: string | undefined
}

/** The APIs of this server, each with its scopes; a chosen one asks why. */
export function ScopePicker({ facts, chosen, onChange, error }: ScopePickerProps) {
  const toggle = (scope: string, isChosen: boolean) => {
    const { [scope]: _gone, ...rest } = chosen
    onChange(isChosen ? { ...chosen, [scope]: '' } : rest)
  }
  const offered = new Set(facts.resource_servers.flatMap(({ scopes }) => scopes.map(({ scope }) => scope)))
  const gone = Object.keys(chosen).filter((scope) => !offered.has(scope))
  return (
    <div id="field-scopes" tabIndex={-1} className="stack">
      {error === undefined ? null : <p className="error">{error}</p>}
      {gone.length === 0 ? null : (
        <fieldset>
          <legend>No longer offered</legend>
          <ul className="scopes">
            {gone.map((scope) => (
              <li key={scope}>
                <Checkbox
                  label={<code>{scope}</code>}
                  description="Take it out: it cannot be asked for any more."
                  checked
                  onChange={() => toggle(scope, false)}
                />
              </li>
            ))}
          </ul>
        </fieldset>
      )}
      {facts.resource_servers.map(({ name, scopes }) => (
        <fieldset key={name}>
          <legend>{name}</legend>
          <ul className="scopes">
            {scopes.map(({ scope, description }) => {
              const why = chosen[scope]
              return (
                <li key={scope} className="stack">
                  <Checkbox
                    label={<code>{scope}</code>}
                    description={description}
                    checked={why !== undefined}
                    onChange={(event) => toggle(scope, event.currentTarget.checked)}
                  />
                  {why === undefined ? null : (
                    <TextInput
                      label={`Why ${scope}?`}
                      description="Optional; it makes a yes likelier."
                      maxLength={1000}
                      value={why}
                      onChange={(event) => onChange({ ...chosen, [scope]: event.currentTarget.value })}
                    />
                  )}
                </li>
              )
            })}
          </ul>
        </fieldset>
      ))}
    </div>
  )
}
