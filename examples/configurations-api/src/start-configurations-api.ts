import { createGuard, type GuardOptions } from '@latchkey/guard'
import { fastifyGuard } from '@latchkey/guard/fastify'
import { savedStateFile } from '@latchkey/guard/node'
import Fastify, { type FastifyBaseLogger } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { ConfigurationStore } from './configuration-store.ts'
import { drainOnClose } from './drain-on-close.ts'
import { answerErrorsAsProblems } from './problem.ts'
import { configurationRoutes } from './routes.ts'

export interface ConfigurationsApiOptions {
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  /** A file, made when it is missing (not its directory), or `:memory:`. What the guard keeps lies beside it, as `….guard.json`. */
  readonly databasePath: string
  /** The authorization server that is trusted. It need not be up yet. */
  readonly issuer: string
  /** The audience that this API is registered with. */
  readonly audience: string
  /** Where callers reach this API, if that is not the audience. */
  readonly publicUrl?: string | undefined
  /** What the authorization server may sign with; what guard accepts by default when absent. */
  readonly algorithms?: GuardOptions['algorithms']
  /** Default: silent. */
  readonly logger?: FastifyBaseLogger | undefined
}

export interface RunningConfigurationsApi {
  /** Where it listens, without a slash at the end. */
  readonly url: string
  /** Takes no more requests, lets those under way finish (for nine seconds), stops following the issuer, and closes the database. */
  close(): Promise<void>
}

/**
 * Starts the API. Rejects with `GuardConfigurationError` when issuer or audience is wrong, with node:sqlite's error when the database cannot be
 * opened, and with Node's (`EADDRINUSE`, …) when it cannot listen; nothing stays open then.
 */
export async function startConfigurationsApi(options: ConfigurationsApiOptions): Promise<RunningConfigurationsApi> {
  const { host, port, databasePath, issuer, audience, publicUrl, algorithms, logger } = options
  const app = Fastify({ ...(logger && { loggerInstance: logger }), bodyLimit: 64 * 1024, requestTimeout: 30_000 })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  answerErrorsAsProblems(app)
  drainOnClose(app)

  const guard = createGuard({
    issuer,
    audience,
    resourceServer: 'configurations',
    algorithms,
    resourceMetadataUrl: publicUrl && new URL('/.well-known/oauth-protected-resource', publicUrl).href,
    // So that a restart while the issuer is away is no outage of this API.
    savedState: databasePath === ':memory:' ? undefined : savedStateFile(`${databasePath}.guard.json`),
    onEvent: (event) => app.log.info(event, event.type),
  })
  app.addHook('onClose', () => guard.close())
  // Awaited, and before the routes: from here on a route that does not say who may call it fails to register.
  await app.register(fastifyGuard, { guard })

  const store = new ConfigurationStore(databasePath)
  app.addHook('onClose', () => store.close())
  try {
    app.get('/healthz', { config: { guard: 'public' } }, async () => ({ status: 'ok' }))
    await app.register(configurationRoutes, { store })
    const url = await app.listen({ host, port })
    // Not awaited: this API starts without its issuer too.
    void guard.start()
    return { url, close: () => app.close() }
  } catch (error) {
    await app.close()
    throw error
  }
}
