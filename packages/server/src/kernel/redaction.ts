/** Client secrets and JWTs, wherever they stand in a text. */
const secrets =
  /lk_[a-z0-9]{1,16}_[A-Za-z0-9]{8,32}_[A-Za-z0-9]{20,}(?:_[A-Za-z0-9]*)?|eyJ[\w-]{8,}\.[\w-]*(?:\.[\w-]*)?/g

/** Replaces what looks like a client secret or a token by `[redacted]`: the last net under every log line, not the first. */
export function redact(text: string): string {
  return text.replaceAll(secrets, '[redacted]')
}
