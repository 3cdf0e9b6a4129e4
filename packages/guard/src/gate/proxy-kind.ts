import type { AddressHeader, CertificateHeader } from '@latchkey/protocol'

/** How one kind of proxy asks: each fact in one header, which it sets itself whatever its caller sent. */
export interface ProxyKind {
  /** Header of the original method; undefined: the question is asked with it. */
  readonly methodHeader: string | undefined
  /** Header of the original target; undefined: it follows {@link checkPath} in the question's own. */
  readonly targetHeader: string | undefined
  readonly addressHeader: AddressHeader
  /** Undefined: this kind cannot hand a certificate on, so that tokens that are bound to one are refused. */
  readonly certificateHeader: CertificateHeader | undefined
}

/** Where proxies ask. */
export const checkPath = '/check'

export type ProxyKindName = 'nginx' | 'caddy' | 'traefik' | 'haproxy' | 'envoy'

/** Configurations that ask so: `examples/proxies/gate-…`. */
export const proxyKinds: Readonly<Record<ProxyKindName, ProxyKind>> = {
  /** `auth_request` */
  nginx: {
    methodHeader: 'x-original-method',
    targetHeader: 'x-original-uri',
    addressHeader: 'x-real-ip',
    certificateHeader: 'x-ssl-client-cert',
  },
  /** `forward_auth` */
  caddy: {
    methodHeader: 'x-forwarded-method',
    targetHeader: 'x-forwarded-uri',
    addressHeader: 'x-real-ip',
    certificateHeader: 'x-ssl-client-der',
  },
  /** The middleware `forwardAuth`, which tells of no certificate in a form that can be read here. */
  traefik: {
    methodHeader: 'x-forwarded-method',
    targetHeader: 'x-forwarded-uri',
    addressHeader: 'x-forwarded-for',
    certificateHeader: undefined,
  },
  /** By a few lines of Lua, since HAProxy has no such directive: `gate-haproxy.lua`. */
  haproxy: {
    methodHeader: 'x-original-method',
    targetHeader: 'x-original-uri',
    addressHeader: 'x-real-ip',
    certificateHeader: 'x-ssl-client-der',
  },
  /** `ext_authz` over HTTP with `path_prefix: /check`: asks with the method and path of its caller. */
  envoy: {
    methodHeader: undefined,
    targetHeader: undefined,
    addressHeader: 'x-forwarded-for',
    certificateHeader: undefined,
  },
}

export const proxyKindNames: readonly ProxyKindName[] = Object.keys(proxyKinds) as ProxyKindName[]
