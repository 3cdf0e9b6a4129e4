import { adminContract, type AdminContract } from '@latchkey/admin-contract'
import { implement, type Router } from '@orpc/server'
import type { ChangeRefusal } from '../kernel/refusal.ts'
import type { Result } from '../kernel/result.ts'
import { listAuditEntries } from './audit/list-audit-entries.ts'
import { verifyAudit } from './audit/verify-audit.ts'
import { installAuthority } from './authority/install-authority.ts'
import { requestAuthority } from './authority/request-authority.ts'
import { rotateAuthority } from './authority/rotate-authority.ts'
import { showAuthority } from './authority/show-authority.ts'
import { issueCertificate } from './certificates/issue-certificate.ts'
import { listCertificates } from './certificates/list-certificates.ts'
import { renewCertificate } from './certificates/renew-certificate.ts'
import { revokeCertificate } from './certificates/revoke-certificate.ts'
import { createClient } from './clients/create-client.ts'
import { deleteClient } from './clients/delete-client.ts'
import { disableClient } from './clients/disable-client.ts'
import { enableClient } from './clients/enable-client.ts'
import { getClient } from './clients/get-client.ts'
import { listClients } from './clients/list-clients.ts'
import { testClient } from './clients/test-client.ts'
import { updateClient } from './clients/update-client.ts'
import { applyDeclaration } from './declaration/apply-declaration.ts'
import { exportDeclaration } from './declaration/export-declaration.ts'
import { planDeclaration } from './declaration/plan-declaration.ts'
import { createInvitation } from './invitations/create-invitation.ts'
import { listInvitations } from './invitations/list-invitations.ts'
import { revokeInvitation } from './invitations/revoke-invitation.ts'
import { listKeys } from './keys/list-keys.ts'
import { revokeKey } from './keys/revoke-key.ts'
import { rotateKeys } from './keys/rotate-keys.ts'
import { createLink } from './links/create-link.ts'
import { listLinks } from './links/list-links.ts'
import { revokeLink } from './links/revoke-link.ts'
import type { OperationContext } from './operation.ts'
import { refusalProblem } from './problem.ts'
import { approveRequest } from './requests/approve-request.ts'
import { askRequester } from './requests/ask-requester.ts'
import { getRequest } from './requests/get-request.ts'
import { listRequests } from './requests/list-requests.ts'
import { rejectRequest } from './requests/reject-request.ts'
import { createResourceServerCredential } from './resource-servers/create-credential.ts'
import { createResourceServer } from './resource-servers/create-resource-server.ts'
import { deleteResourceServer } from './resource-servers/delete-resource-server.ts'
import { getResourceServer } from './resource-servers/get-resource-server.ts'
import { listResourceServers } from './resource-servers/list-resource-servers.ts'
import { updateResourceServer } from './resource-servers/update-resource-server.ts'
import { createRegisteredKey } from './registered-keys/create-registered-key.ts'
import { createRegisteredSubject } from './registered-subjects/create-registered-subject.ts'
import { revokeRegisteredSubject } from './registered-subjects/revoke-registered-subject.ts'
import { revokeRegisteredKey } from './registered-keys/revoke-registered-key.ts'
import { addSecret } from './secrets/add-secret.ts'
import { listSecrets } from './secrets/list-secrets.ts'
import { revokeSecret } from './secrets/revoke-secret.ts'
import { getStatus } from './server/get-status.ts'
import { runDoctor } from './server/run-doctor.ts'
import { getToken } from './tokens/get-token.ts'
import { inspectToken } from './tokens/inspect-token.ts'
import { revokeToken } from './tokens/revoke-token.ts'

const os = implement(adminContract).$context<OperationContext>()

/** The whole contract, implemented: one that lacks an operation does not compile. */
export const adminRouter: Router<AdminContract, OperationContext> = os.router({
  resourceServers: {
    create: os.resourceServers.create.handler(run(createResourceServer)),
    list: os.resourceServers.list.handler(run(listResourceServers)),
    get: os.resourceServers.get.handler(run(getResourceServer)),
    update: os.resourceServers.update.handler(run(updateResourceServer)),
    delete: os.resourceServers.delete.handler(run(deleteResourceServer)),
    createCredential: os.resourceServers.createCredential.handler(run(createResourceServerCredential)),
  },
  clients: {
    create: os.clients.create.handler(run(createClient)),
    list: os.clients.list.handler(run(listClients)),
    get: os.clients.get.handler(run(getClient)),
    update: os.clients.update.handler(run(updateClient)),
    delete: os.clients.delete.handler(run(deleteClient)),
    disable: os.clients.disable.handler(run(disableClient)),
    enable: os.clients.enable.handler(run(enableClient)),
    test: os.clients.test.handler(run(testClient)),
  },
  secrets: {
    add: os.secrets.add.handler(run(addSecret)),
    list: os.secrets.list.handler(run(listSecrets)),
    revoke: os.secrets.revoke.handler(run(revokeSecret)),
  },
  links: {
    create: os.links.create.handler(run(createLink)),
    list: os.links.list.handler(run(listLinks)),
    revoke: os.links.revoke.handler(run(revokeLink)),
  },
  requests: {
    list: os.requests.list.handler(run(listRequests)),
    get: os.requests.get.handler(run(getRequest)),
    approve: os.requests.approve.handler(run(approveRequest)),
    ask: os.requests.ask.handler(run(askRequester)),
    reject: os.requests.reject.handler(run(rejectRequest)),
  },
  invitations: {
    create: os.invitations.create.handler(run(createInvitation)),
    list: os.invitations.list.handler(run(listInvitations)),
    revoke: os.invitations.revoke.handler(run(revokeInvitation)),
  },
  authorities: {
    show: os.authorities.show.handler(run(showAuthority)),
    request: os.authorities.request.handler(run(requestAuthority)),
    install: os.authorities.install.handler(run(installAuthority)),
    rotate: os.authorities.rotate.handler(run(rotateAuthority)),
  },
  certificates: {
    issue: os.certificates.issue.handler(run(issueCertificate)),
    list: os.certificates.list.handler(run(listCertificates)),
    renew: os.certificates.renew.handler(run(renewCertificate)),
    revoke: os.certificates.revoke.handler(run(revokeCertificate)),
  },
  registeredKeys: {
    create: os.registeredKeys.create.handler(run(createRegisteredKey)),
    revoke: os.registeredKeys.revoke.handler(run(revokeRegisteredKey)),
  },
  registeredSubjects: {
    create: os.registeredSubjects.create.handler(run(createRegisteredSubject)),
    revoke: os.registeredSubjects.revoke.handler(run(revokeRegisteredSubject)),
  },
  tokens: {
    get: os.tokens.get.handler(run(getToken)),
    inspect: os.tokens.inspect.handler(run(inspectToken)),
    revoke: os.tokens.revoke.handler(run(revokeToken)),
  },
  keys: {
    list: os.keys.list.handler(run(listKeys)),
    rotate: os.keys.rotate.handler(run(rotateKeys)),
    revoke: os.keys.revoke.handler(run(revokeKey)),
  },
  audit: {
    list: os.audit.list.handler(run(listAuditEntries)),
    verify: os.audit.verify.handler(run(verifyAudit)),
  },
  declaration: {
    plan: os.declaration.plan.handler(run(planDeclaration)),
    apply: os.declaration.apply.handler(run(applyDeclaration)),
    export: os.declaration.export.handler(run(exportDeclaration)),
  },
  server: {
    doctor: os.server.doctor.handler(run(runDoctor)),
    status: os.server.status.handler(run(getStatus)),
  },
})

/** An operation as oRPC calls it; a refusal leaves it as a problem. */
function run<Input, Output>(
  operation: (context: OperationContext, input: Input) => Promise<Result<Output, ChangeRefusal>>,
): (options: { readonly context: OperationContext; readonly input: Input }) => Promise<Output> {
  return async ({ context, input }) => {
    const result = await operation(context, input)
    if (!result.ok) throw refusalProblem(result.refusal)
    return result.value
  }
}
