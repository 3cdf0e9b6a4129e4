/** Names under which a secret is pasted into a file. */
const secretKey = /secret|password|passwd|private_?key|signing_?key|credential|api_?key|access_?token|refresh_?token/i

/** Whether a field of this name would hold a secret, wherever the file came from. */
export function isSecretKey(name: string): boolean {
  return secretKey.test(name)
}
