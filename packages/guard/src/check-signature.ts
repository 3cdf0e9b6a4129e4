import { compactVerify, errors } from 'jose'
import type { VerificationKey } from './keys/verification-keys.ts'
import { fail, pass, type Step } from './step.ts'
import type { VerifiedSignatures } from './verified-signatures.ts'

type Payload = Readonly<Record<string, unknown>>

/** The payload of a token whose signature is this key's: verified now, or the same token by the same key before. */
export async function checkSignature(
  token: string,
  key: VerificationKey,
  signatures: VerifiedSignatures,
): Promise<Step<Payload>> {
  const digest = signatures.digestOf(token)
  const known = signatures.find(digest, key)
  if (known !== undefined) return pass(known)
  const signed = await verifySignature(token, key)
  if (!signed.ok) return signed
  const payload = readPayload(signed.value)
  if (payload.ok) signatures.keep(digest, key, payload.value)
  return payload
}

async function verifySignature(token: string, { algorithm, key }: VerificationKey): Promise<Step<Uint8Array>> {
  try {
    return pass((await compactVerify(token, key, { algorithms: [algorithm] })).payload)
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return fail('token.signature')
    if (error instanceof errors.JWSInvalid) return fail('token.malformed')
    throw error
  }
}

function readPayload(bytes: Uint8Array): Step<Payload> {
  try {
    const payload: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return fail('token.malformed')
    return pass(deepFreeze(payload) as Payload)
  } catch {
    return fail('token.malformed')
  }
}

/** It is read again for every call with this token, and parts of it reach the API's code. */
function deepFreeze(value: object): object {
  for (const each of Object.values(value) as unknown[]) if (typeof each === 'object' && each !== null) deepFreeze(each)
  return Object.freeze(value)
}
