/** Said when a key signs that was published too short a time ago. */
export const hastyKeyWarning =
  'the key that signs now was published less than the cache time of the JWKS ago: verifiers that do not ask for an unknown key, or cannot, refuse its tokens until their copy is renewed'
