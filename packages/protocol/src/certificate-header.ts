/*
 * The certificate that a proxy got in the handshake, as it hands it on: one header for each way in which proxies are usually set up.
 */

/** In lower case, as node:http has them. */
export type CertificateHeader = 'client-cert' | 'x-ssl-client-cert' | 'x-ssl-client-der'

/** How the value of a header is written. */
const readers: Readonly<Record<CertificateHeader, (value: string) => Uint8Array | undefined>> = {
  /** RFC 9440 §2.1: a byte sequence of RFC 8941 §3.3.5, the DER in base64 between colons. */
  'client-cert': (value) => (/^:[^:]*:$/.test(value) ? decodeBase64(value.slice(1, -1)) : undefined),
  /** nginx: `proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;`, PEM with percent escapes. */
  'x-ssl-client-cert': (value) => decodePem(value),
  /** HAProxy: `http-request set-header X-SSL-Client-DER %{+Q}[ssl_c_der,base64]`; Caddy: `{http.request.tls.client.certificate_der_base64}`. DER in base64. */
  'x-ssl-client-der': (value) => decodeBase64(value.replace(/^"(.*)"$/, '$1')),
}

export const certificateHeaders: readonly CertificateHeader[] = Object.keys(readers) as CertificateHeader[]

/** Longest value that is looked at, in characters. */
const maxLength = 16_384

/**
 * The DER of a certificate from the value of such a header; undefined for whatever is not exactly that. `values` are those of every line of that name: a
 * header that comes twice was not set by one proxy, and says nothing. Does not check that it is a certificate.
 */
export function readCertificateHeader(header: CertificateHeader, values: readonly string[]): Uint8Array | undefined {
  const [value, ...others] = values
  if (value === undefined || others.length > 0 || value.length > maxLength) return undefined
  return readers[header](value.trim())
}

function decodePem(escaped: string): Uint8Array | undefined {
  let pem: string
  try {
    pem = decodeURIComponent(escaped)
  } catch {
    return undefined
  }
  const base64 = /^-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/.exec(pem)?.[1]
  return base64 === undefined ? undefined : decodeBase64(base64.replaceAll(/\s/g, ''))
}

/** RFC 4648 §4, with its padding and nothing else. */
function decodeBase64(text: string): Uint8Array | undefined {
  if (text === '' || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  const octets = atob(text)
  const bytes = new Uint8Array(octets.length)
  for (let i = 0; i < octets.length; i++) bytes[i] = octets.charCodeAt(i)
  return bytes
}
