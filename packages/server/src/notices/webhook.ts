import { createHmac } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import { DeliveryFailure } from './delivery-failure.ts'
import type { Notice } from './notice.ts'

export interface WebhookTarget {
  readonly url: string
  /** The bytes behind `whsec_`. */
  readonly secret: Buffer
}

export interface OutgoingWebhook {
  /** Stays the same over every attempt. */
  readonly id: string
  readonly notice: Notice
  readonly at: EpochMs
  /** When this attempt is made. */
  readonly now: EpochMs
}

export interface WebhookTransport {
  /** Throws DeliveryFailure. */
  send(webhook: OutgoingWebhook): Promise<void>
}

const patienceMs = 10_000

/**
 * POSTs what happened as JSON, signed as Standard Webhooks says: HMAC-SHA-256 over `<id>.<timestamp>.<body>`. Done is any 2xx; redirects are not
 * followed, because the signature was made for one receiver.
 */
export function webhookTransport({ url, secret }: WebhookTarget): WebhookTransport {
  return {
    async send({ id, notice, at, now }) {
      const body = JSON.stringify({
        type: notice.kind,
        timestamp: new Date(at).toISOString(),
        data: toSnakeCase(notice.words),
      })
      const timestamp = String(Math.floor(now / 1000))
      const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')
      let response: Response
      try {
        response = await fetch(url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'webhook-id': id,
            'webhook-timestamp': timestamp,
            'webhook-signature': `v1,${mac}`,
          },
          body,
          redirect: 'manual',
          signal: AbortSignal.timeout(patienceMs),
        })
        await response.body?.cancel()
      } catch (error) {
        throw new DeliveryFailure('webhook.unreachable', false, { cause: error })
      }
      if (response.status === 410) throw new DeliveryFailure('webhook.410', true)
      if (!response.ok) throw new DeliveryFailure(`webhook.${response.status}`, false)
    },
  }
}

/** Members as the JSON of every other interface of ours has them; times stay whole milliseconds as text of ISO 8601. */
function toSnakeCase(value: unknown, name = ''): unknown {
  if (typeof value === 'number' && /(At|Until)$/.test(name)) return new Date(value).toISOString()
  if (Array.isArray(value)) return value.map((item) => toSnakeCase(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      toSnakeCase(part, key),
    ]),
  )
}
