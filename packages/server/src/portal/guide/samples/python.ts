import type { Sample } from './sample.ts'

export const python: Sample = {
  id: 'python',
  title: 'Python',
  needs: 'Python 3.8 or newer',
  file: 'call.py',
  code: (tokenEndpoint) => `import json
import os
import time
import urllib.parse
import urllib.request

kept = {"value": None, "until": 0.0}


def token():
    """A token that lives for a minute at least; a new one only when there is none."""
    if kept["until"] <= time.time():
        form = urllib.parse.urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": os.environ["LATCHKEY_CLIENT_ID"],
                "client_secret": os.environ["LATCHKEY_CLIENT_SECRET"],
            }
        )
        with urllib.request.urlopen("${tokenEndpoint}", form.encode(), timeout=10) as response:
            answer = json.load(response)
        kept.update(value=answer["access_token"], until=time.time() + answer["expires_in"] - 60)
    return kept["value"]


request = urllib.request.Request(os.environ["API_URL"], headers={"Authorization": "Bearer " + token()})
with urllib.request.urlopen(request, timeout=10) as response:
    print(response.read().decode())
`,
}
