export * from './access-requests.ts'
export * from './claim.ts'
export * from './problems.ts'
