export { checkPath, proxyKindNames, type ProxyKindName } from './gate/proxy-kind.ts'
export { startGate, type GateOptions, type RunningGate } from './gate/start-gate.ts'
export { GuardConfigurationError } from './configuration-error.ts'
