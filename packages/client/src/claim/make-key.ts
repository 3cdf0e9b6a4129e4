/** A key that never leaves this machine, and what a certificate for it is asked for with. */
export interface MadeKey {
  /** PKCS #8, PEM. */
  readonly privateKey: string
  /** RFC 2986, PEM. Names nothing: the server says what stands in its certificates. */
  readonly csr: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Makes a P-256 key and a signing request. The library of certificates is loaded only here: who claims a secret does not need it. */
export async function makeKey(): Promise<MadeKey> {
  // @peculiar/x509 wants it loaded first, for what it adds to globals.
  await import('reflect-metadata')
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509')
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey))
  const { createPrivateKey } = await import('node:crypto')
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  return { privateKey: key.export({ format: 'pem', type: 'pkcs8' }), csr: `${request.toString('pem')}\n` }
}
