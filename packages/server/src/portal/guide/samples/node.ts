import type { Sample } from './sample.ts'

export const node: Sample = {
  id: 'node',
  title: 'Node.js',
  needs: 'Node 18 or newer',
  file: 'call.mjs',
  code: (tokenEndpoint) => `const { LATCHKEY_CLIENT_ID, LATCHKEY_CLIENT_SECRET, API_URL } = process.env
let kept

/** A token that lives for a minute at least; a new one only when there is none. */
async function token() {
  if (kept !== undefined && kept.until > Date.now()) return kept.value
  const response = await fetch('${tokenEndpoint}', {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: LATCHKEY_CLIENT_ID,
      client_secret: LATCHKEY_CLIENT_SECRET,
    }),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(\`\${answer.error}: \${answer.error_description}\`)
  kept = { value: answer.access_token, until: Date.now() + (answer.expires_in - 60) * 1000 }
  return kept.value
}

const response = await fetch(API_URL, { headers: { authorization: \`Bearer \${await token()}\` } })
if (!response.ok) throw new Error(\`the API answered \${response.status}\`)
console.log(await response.text())
`,
}
