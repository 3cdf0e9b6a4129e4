import type { Sample } from './sample.ts'

/** The secret goes by standard input: arguments are in every list of processes. */
export const curl: Sample = {
  id: 'curl',
  title: 'curl and sh',
  needs: 'curl and sed',
  file: 'call.sh',
  code: (tokenEndpoint) => `set -eu
token=$(
  printf '%s' "client_secret=$LATCHKEY_CLIENT_SECRET" |
    curl --silent --show-error --fail-with-body ${tokenEndpoint} \\
      --data grant_type=client_credentials \\
      --data "client_id=$LATCHKEY_CLIENT_ID" \\
      --data @- |
    sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'
)
printf 'header = "Authorization: Bearer %s"\\n' "$token" |
  curl --silent --show-error --fail-with-body --config - "$API_URL"
`,
}
