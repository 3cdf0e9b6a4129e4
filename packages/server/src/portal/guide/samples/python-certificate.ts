import type { Sample } from './sample.ts'

export const pythonCertificate: Sample = {
  id: 'mtls-python',
  title: 'Python, with a certificate',
  needs: 'Python 3.8 or newer',
  file: 'call.py',
  code: (tokenEndpoint) => `import json
import os
import ssl
import time
import urllib.parse
import urllib.request

kept = {"value": None, "until": 0.0}


def connections(file):
    """Connections that show the certificate; the server is believed by the file alone, where there is one."""
    context = ssl.create_default_context(cafile=file)
    context.load_cert_chain(os.environ["LATCHKEY_CERT_FILE"], os.environ["LATCHKEY_KEY_FILE"])
    return context


to_server = connections(os.environ.get("LATCHKEY_MTLS_CA_FILE"))
to_api = connections(os.environ.get("API_CA_FILE"))


def token():
    """A token that lives for a minute at least; a new one only when there is none."""
    if kept["until"] <= time.time():
        form = urllib.parse.urlencode(
            {"grant_type": "client_credentials", "client_id": os.environ["LATCHKEY_CLIENT_ID"]}
        )
        url = "${tokenEndpoint}"
        with urllib.request.urlopen(url, form.encode(), timeout=10, context=to_server) as response:
            answer = json.load(response)
        kept.update(value=answer["access_token"], until=time.time() + answer["expires_in"] - 60)
    return kept["value"]


request = urllib.request.Request(os.environ["API_URL"], headers={"Authorization": "Bearer " + token()})
with urllib.request.urlopen(request, timeout=10, context=to_api) as response:
    print(response.read().decode())
`,
}
