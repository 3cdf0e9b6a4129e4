/** A mistake of ours: text that was let in from outside without a look. Its message shows none of it. */
export class UnstorableText extends TypeError {}

/**
 * Refuses text that databases would change, cut or refuse each in its own way: U+0000, and surrogates that stand alone. Whoever takes text
 * from outside refuses it there, with a better answer; this is what makes every backend alike. Throws
 * {@link UnstorableText}.
 */
export function refuseUnstorable(parameters: readonly unknown[]): void {
  for (const parameter of parameters) {
    if (typeof parameter !== 'string') continue
    if (parameter.includes('\0')) throw new UnstorableText('text with U+0000 cannot be stored')
    if (!parameter.isWellFormed()) throw new UnstorableText('text with half a surrogate pair cannot be stored')
  }
}
