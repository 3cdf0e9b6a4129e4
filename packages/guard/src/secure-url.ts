/**
 * Whether keys may be fetched from here: https, or plain http on this very machine. Takes no user name or password.
 * Does not check that anything answers there.
 */
export function isSecureUrl(value: string): boolean {
  const url = URL.parse(value)
  if (url === null || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))
}

/** 127.0.0.0/8, ::1 and `localhost` (RFC 6761 §6.3), in the form that URL parsing has already given them. */
function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
}
