/** For the help of what revokes tokens: where that is seen, and how soon. */
export const whoSeesRevocation = `Introspection knows it at once. An API that checks tokens offline, as @latchkey/guard does, follows the revocation feed and knows it within a
second; one that follows no feed accepts them until they expire.`
