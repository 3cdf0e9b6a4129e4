import { compactVerify, errors } from 'jose'
import { es256OnNode } from './es256-on-node.ts'
import type { VerificationKey } from './keys/verification-keys.ts'
import { fail, pass, type Step } from './step.ts'

/** The payload of a token whose signature is this key's (RFC 7515 §5.2). The token has the form of a JWS, and a header without `crit`. */
export async function checkSignature(
  token: string,
  key: VerificationKey,
): Promise<Step<Readonly<Record<string, unknown>>>> {
  const onNode = key.algorithm === 'ES256' ? es256OnNode(key.key) : undefined
  if (onNode === undefined) {
    const signed = await verifyAnywhere(token, key)
    return signed.ok ? readPayload(signed.value) : signed
  }
  const payload = await onNode(token)
  return payload === undefined ? fail('token.signature') : readPayload(payload)
}

async function verifyAnywhere(token: string, { algorithm, key }: VerificationKey): Promise<Step<Uint8Array>> {
  try {
    return pass((await compactVerify(token, key, { algorithms: [algorithm] })).payload)
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return fail('token.signature')
    if (error instanceof errors.JWSInvalid) return fail('token.malformed')
    throw error
  }
}

function readPayload(bytes: Uint8Array): Step<Readonly<Record<string, unknown>>> {
  try {
    const payload: unknown = JSON.parse(utf8.decode(bytes))
    if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return fail('token.malformed')
    return pass(payload as Readonly<Record<string, unknown>>)
  } catch {
    return fail('token.malformed')
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
