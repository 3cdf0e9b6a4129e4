import type { EndingWords } from './notice.ts'
import type { Draft, Reader } from './draft.ts'
import { oneLine } from './quote.ts'

const things: Readonly<Record<EndingWords['what'], string>> = {
  secret: 'secret',
  certificate: 'certificate',
  scope: 'scope',
  address: 'allowed address',
  anchor: 'authority of the certificates',
  authority: 'certificate authority',
  server_certificate: 'certificate of the server',
}

/** What is said of an end that is near, and what to do before it. */
export function endingDraft(words: EndingWords, reader: Reader, issuer: string): Draft {
  const { what, name, endsAt, clientId, clientName } = words
  const at = `${new Date(endsAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const whose = clientName === undefined ? '' : ` of ${oneLine(clientName, 60)}`
  return {
    subject: `The ${things[what]}${whose} ends on ${at.slice(0, 10)}`,
    lines: [
      `It ends on ${at}. After that it counts for nothing.`,
      `  ${what === 'scope' ? 'Scope         ' : 'Name          '}${oneLine(name)}`,
      ...(clientId === undefined
        ? []
        : [`  Client        ${oneLine(clientName ?? '')}`, `  client_id     ${clientId}`]),
      '',
      ...advice(words, reader, issuer),
    ],
  }
}

function advice({ what, name, clientId = '' }: EndingWords, reader: Reader, issuer: string): readonly string[] {
  switch (what) {
    case 'secret':
      return reader === 'contact'
        ? ['Ask the team for a link to a new one. Both work until the old one ends.']
        : [`A new one, by a link or at once:  latchkey link create ${clientId}, or latchkey secret add ${clientId}`]
    case 'certificate':
      return reader === 'contact'
        ? [`Your program renews it by itself, with the certificate that it has: ${issuer}/docs#certificates`]
        : [
            'It has not been renewed, or its successor was never used.',
            `A link to a new one:  latchkey link create ${clientId}`,
          ]
    case 'scope':
      return reader === 'contact'
        ? [`If your program still needs it, ask for it again, with this client_id: ${issuer}/access-requests`]
        : [`If it shall go on:  latchkey client update ${clientId} --add-scope ${name}   (takes its end away)`]
    case 'address':
      return reader === 'contact'
        ? ['Calls from there are refused after that. If your program still needs it, ask the team.']
        : [`Calls from there are refused after that. What is allowed:  latchkey client show ${clientId}`]
    case 'anchor':
      return reader === 'contact'
        ? ['Certificates of an authority that has ended are refused. Send the team the next one, before.']
        : [`Register the name under its next one as well:  latchkey cert register ${clientId} --anchor FILE …`]
    case 'authority':
      return [
        'No certificate that it has issued outlives it, and new ones become shorter.',
        'Its successor:  latchkey ca rotate   (latchkey ca csr, where another authority certified it)',
      ]
    default:
      return ['No client connects after that. Put the renewed certificate in its file: it is read without a restart.']
  }
}
