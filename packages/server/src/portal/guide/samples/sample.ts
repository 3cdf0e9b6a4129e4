/** A whole program that gets a token and calls an API with it. Each is run by the tests, as it stands on the page. */
export interface Sample {
  readonly id: string
  readonly title: string
  /** What it needs beyond the language. */
  readonly needs: string
  /** What the file is called. */
  readonly file: string
  readonly code: (tokenEndpoint: string) => string
}
