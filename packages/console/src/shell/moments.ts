const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'short' })

/** For a person where he is, from seconds since 1970. */
export function moment(epochSeconds: number): string {
  return format.format(new Date(epochSeconds * 1000))
}
