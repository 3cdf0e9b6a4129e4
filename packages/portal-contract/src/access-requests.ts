import { z } from 'zod'

/*
 * A request for access, from the form to the decision. What concerns one request is POSTed to `/access-requests/<id>/…` with the key of its
 * status page (`<issuer>/access-requests/<id>#<key>`) in the body, never in a URL.
 */

const oneLine = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]*$/u
const lines = /^(?:[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|[\n\r\t]|\u200C|\u200D)*$/u

/** A short text for people, on one line. */
const short = (max: number) =>
  z.string().min(1).max(max).regex(oneLine, 'no control or formatting characters').regex(/\S/, 'not only spaces')

/** A text for people, with line breaks. */
const long = (max: number) => z.string().max(max).regex(lines, 'no control or formatting characters')

const requestKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'the part of the link behind the #: 43 of A-Z a-z 0-9 _ -')

/** As mail systems take it; the address is proven by a link and not by its form. */
export const contactAddress = z
  .string()
  .max(254)
  .regex(
    /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/,
    'an e-mail address',
  )

export const applicationKinds = ['service', 'daemon', 'command-line', 'device'] as const

/**
 * How a client may prove who it is: by its secret; by its secret over a connection with its certificate; by a certificate that this server issues; by one of
 * its own making. A server without a listener for certificates offers the first alone.
 */
export const authenticationMethods = ['secret', 'secret-and-certificate', 'mtls', 'self-signed-mtls'] as const
export type AuthenticationMethod = (typeof authenticationMethods)[number]

/** `client_secret` is what `secret` was called when there was nothing else. */
export const authenticationMethod = z.preprocess(
  (given) => (given === 'client_secret' ? 'secret' : given),
  z.enum(authenticationMethods),
)

/** A certificate signing request, PEM or DER in base64, or a certificate in PEM: judged by the server. */
export const pastedKey = z.string().min(1).max(16_384)

export const requestedScope = z.strictObject({
  /** `<resource server>/<scope>` */
  scope: z.string().min(1).max(191),
  /** What it is needed for. */
  why: long(1000).optional(),
})

/** An address or CIDR as it was typed: judged by the server, which answers with the plain form. */
export const sourceAddress = z.string().min(1).max(64)

/** What somebody asks for. */
export const accessRequestForm = z.strictObject({
  organisation: short(120),
  contact_name: short(120),
  contact_address: contactAddress,
  application_name: short(120),
  application_kind: z.enum(applicationKinds),
  /** An existing client whose access is to become wider; absent: a new one. */
  client_id: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'a client_id: 1 to 64 of A-Z a-z 0-9 -')
    .optional(),
  scopes: z.array(requestedScope).min(1).max(100),
  /** What the program is for. */
  purpose: long(4000).regex(/\S/, 'not only spaces'),
  /** For example `production` or `test`. */
  environment: short(60),
  source_addresses: z.array(sourceAddress).max(100),
  authentication: authenticationMethod,
  /** For a certificate of this server: the key that it is to be issued for. Absent: the claim brings one, or has it made. */
  csr: pastedKey.optional(),
  /** For `self-signed-mtls`: the certificate whose key is to be taken. Absent: the claim brings it. */
  certificate: pastedKey.optional(),
})
export type AccessRequestForm = z.infer<typeof accessRequestForm>

/** `POST /access-requests`. */
export const submitInput = z.strictObject({
  ...accessRequestForm.shape,
  /** The key of an invitation link (`<issuer>/access-requests#<key>`), where requests are taken by invitation. */
  invitation: requestKey.optional(),
})

/** The answer: nothing that opens the request. The link to it goes to the contact's address. */
export const submitted = z.strictObject({ id: z.string(), contact_address: z.string(), confirm_by: z.int() })
export type Submitted = z.infer<typeof submitted>

/** `GET /access-requests/form`: what can be asked for, and how. */
export const requestFormFacts = z.strictObject({
  mode: z.enum(['open', 'invitation', 'off']),
  issuer: z.string(),
  resource_servers: z.array(
    z.strictObject({
      name: z.string(),
      scopes: z.array(z.strictObject({ scope: z.string(), description: z.string() })),
    }),
  ),
  application_kinds: z.array(z.enum(applicationKinds)),
  authentication: z.array(z.enum(authenticationMethods)),
})
export type RequestFormFacts = z.infer<typeof requestFormFacts>

/** `POST /access-requests/check-addresses`: as they are typed. Changes nothing. */
export const checkAddressesInput = z.strictObject({ source_addresses: z.array(sourceAddress).max(100) })
export const checkedAddresses = z.strictObject({
  addresses: z.array(
    z.strictObject({
      given: z.string(),
      /** The plain form, with its prefix length; absent when it is not an address or CIDR. */
      cidr: z.string().optional(),
      /** Why it cannot be taken, or what to look at twice (a private or very wide range). */
      problem: z.string().optional(),
      note: z.string().optional(),
    }),
  ),
})
export type CheckedAddresses = z.infer<typeof checkedAddresses>

/** `POST /access-requests/check-key`: one of both, as it is pasted. Changes nothing. */
export const checkKeyInput = z.strictObject({ csr: pastedKey.optional(), certificate: pastedKey.optional() })
export const checkedKey = z.strictObject({
  /** SHA-256 of the key (SubjectPublicKeyInfo), hexadecimal; absent when it cannot be taken. */
  key_fingerprint: z.string().optional(),
  /** Why it cannot be taken, in words. */
  problem: z.string().optional(),
  /** What the signing request asks for in vain, in words. */
  ignored: z.array(z.string()).optional(),
})
export type CheckedKey = z.infer<typeof checkedKey>

export const requestState = z.enum([
  /** The contact's address is not confirmed: nobody on the team sees it. */
  'unconfirmed',
  'submitted',
  'changes_requested',
  'approved',
  'partly_approved',
  'rejected',
  'withdrawn',
  'expired',
])
export type RequestState = z.infer<typeof requestState>

export const requestMessage = z.strictObject({
  at: z.int(),
  from: z.enum(['team', 'requester']),
  text: z.string(),
})

/** What was decided of one scope; `pending` before the decision. */
export const scopeDecision = z.strictObject({
  scope: z.string(),
  description: z.string(),
  why: z.string().optional(),
  decision: z.enum(['pending', 'approved', 'refused']),
  /** When the approved scope ends; absent: it does not. */
  ends_at: z.int().optional(),
})

/** A request as its requester sees it. */
export const accessRequestStatus = z.strictObject({
  id: z.string(),
  state: requestState,
  revision: z.int(),
  form: accessRequestForm,
  scopes: z.array(scopeDecision),
  /** Of what was pasted, as {@link checkedKey} has it: the team sees the same. */
  key_fingerprint: z.string().optional(),
  messages: z.array(requestMessage),
  submitted_at: z.int().optional(),
  decided_at: z.int().optional(),
  /** Why it was rejected, or what the team said of a decision. */
  reason: z.string().optional(),
  /** When it expires, unless it is decided or answered before. */
  expires_at: z.int().optional(),
  /** The client that the approval made or widened. */
  client_id: z.string().optional(),
  /** How far the approval's delivery link is; absent when there is none. Never the link itself. */
  delivery: z
    .enum(['open', 'claimed', 'delivered', 'undelivered', 'disowned', 'revoked', 'expired', 'locked'])
    .optional(),
})
export type AccessRequestStatus = z.infer<typeof accessRequestStatus>

/** `POST /access-requests/{id}/status`; `…/confirm` (the address; puts it in the queue); `…/withdraw`. Each answers with {@link accessRequestStatus}. */
export const requestKeyInput = z.strictObject({ key: requestKey })

/** `POST /access-requests/{id}/amend`: answers the team, changes what is asked for, or both. The contact's address stays. */
export const amendInput = z.strictObject({
  key: requestKey,
  revision: z.int().min(1),
  message: long(4000).optional(),
  /** What is absent stays; null takes a pasted request or certificate back. */
  form: accessRequestForm
    .omit({ contact_address: true })
    .partial()
    .extend({ csr: pastedKey.nullable().optional(), certificate: pastedKey.nullable().optional() })
    .optional(),
})
