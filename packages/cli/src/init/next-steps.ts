import type { Made } from './run-init.ts'

/** What `init` made, and how to go on: commands that work when they are pasted. */
export function nextSteps(made: Made): string {
  const { configFile, dataDirectory, masterKeyFile, madeMasterKey, issuer } = made
  const directory = quote(dataDirectory)
  const key = madeMasterKey
    ? 'Keep a copy of the master key apart from the backups: without it they open nothing, and with both anybody reads everything.'
    : 'The master key was there already and was left as it is.'
  const first =
    issuer === undefined
      ? ['Set `issuer` in the configuration to the https URL at which clients will reach this server.']
      : []
  const steps = [
    ...first,
    `Start the server, behind a proxy or with --tls-cert and --tls-key (see docs/production.md):\n\nlatchkey serve --config ${quote(configFile)}`,
    `In another terminal, as the same user, register an API and a client of it:

latchkey resource-server create billing --audience https://billing.example.com --scope invoices.read --data-dir ${directory}
latchkey client create importer --scope billing/invoices.read --show-secret --data-dir ${directory}`,
    `Whoever administers from elsewhere needs a client, too. Grant it what it is to do:

latchkey client create administrator --scope 'latchkey/clients.read latchkey/clients.write' --show-secret --data-dir ${directory}`,
    `Look for what is wrong, or soon will be:\n\nlatchkey doctor --data-dir ${directory}`,
  ]
  return `
Made for production:

  Configuration    ${configFile}
  Data directory   ${dataDirectory}
  Master key       ${masterKeyFile}

${key}

${steps.map((step, index) => `${index + 1}. ${step}\n`).join('\n')}`
}

/** As one word of a shell. */
function quote(text: string): string {
  return /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
