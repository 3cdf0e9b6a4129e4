const format = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'long',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZoneName: 'short',
})

/** For a person where he is, from seconds since 1970. */
export function moment(epochSeconds: number): string {
  return format.format(new Date(epochSeconds * 1000))
}
