import { done } from '../../kernel/result.ts'
import { addResourceServerCredential } from '../../resource-servers/add-resource-server-credential.ts'
import { changeContext, type Operation } from '../operation.ts'

/** `POST /resource-servers/{name}/credentials`. Refuses with `resource_server.unknown`. */
export const createResourceServerCredential: Operation<'resourceServers', 'createCredential'> = async (
  context,
  { params },
) => {
  const { change, maker } = context.services
  const created = await addResourceServerCredential(change, maker, changeContext(context), params.name)
  if (!created.ok) return created
  const { clientSecret, credential } = created.value
  return done({ id: credential.id, client_id: credential.clientId, client_secret: clientSecret })
}
