import { describeStoreContract } from './contract/store-contract.ts'
import { usePostgres } from './postgres.test.support.ts'

const { openBackend } = usePostgres()

describeStoreContract('PostgreSQL', openBackend)
