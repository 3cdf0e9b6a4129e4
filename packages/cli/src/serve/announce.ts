/** What is said of a server that has just started. */
export interface Announcement {
  readonly version: string
  readonly issuer: string
  readonly tokenEndpoint: string
  /** Where the listeners themselves are reached. */
  readonly publicUrl: string
  readonly adminUrl: string
  readonly adminSocket: string
  readonly consoleUrl: string
  readonly workers: number
}

/** A few lines for whoever started it by hand. */
export function announcement(about: Announcement): string {
  const { version, issuer, publicUrl, adminUrl, adminSocket, workers } = about
  return `Latchkey ${version} serves ${issuer}

  Public   ${publicUrl}${workers > 1 ? `   (${workers} workers)` : ''}
  Admin    ${adminUrl}   (/healthz, /readyz)
  Socket   ${adminSocket}

`
}

/** The same for scripts: one line of JSON. */
export function announcementJson(about: Announcement): string {
  return JSON.stringify({
    issuer: about.issuer,
    token_endpoint: about.tokenEndpoint,
    public: about.publicUrl,
    admin: about.adminUrl,
    console: about.consoleUrl,
    admin_socket: about.adminSocket,
    workers: about.workers,
    version: about.version,
  })
}
