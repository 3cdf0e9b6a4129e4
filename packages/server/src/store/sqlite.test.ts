import { describeStoreContract } from './contract/store-contract.ts'
import { openSqliteBackend } from './sqlite.test.support.ts'

describeStoreContract('SQLite', openSqliteBackend)
