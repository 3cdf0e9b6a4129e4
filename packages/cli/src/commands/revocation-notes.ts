/** For the help of what revokes tokens: where that is seen, and where not. */
export const whoSeesRevocation = `Introspection knows it at once. An API that checks tokens offline, as @latchkey/guard does, accepts them until they expire: the
revocation feed that would tell it is not in this version yet.`
