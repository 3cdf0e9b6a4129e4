import {
  DataTypeNode,
  OperationNodeTransformer,
  RawNode,
  type KyselyPlugin,
  type OperationNode,
  type PluginTransformQueryArgs,
  type QueryId,
  type RootOperationNode,
} from 'kysely'

/** Column types of migrations as PostgreSQL must have them to behave like SQLite: text compared by its octets, integers of 64 bits. */
const types: Readonly<Record<string, string>> = { text: 'text collate "C"', integer: 'bigint' }

/** Writes {@link types} where tables are made or altered, so that one migration serves every backend. Does not see inside raw SQL. */
export class PortableTypes implements KyselyPlugin {
  readonly #transformer = new TypeTransformer()

  transformQuery({ node, queryId }: PluginTransformQueryArgs): RootOperationNode {
    const makesColumns = node.kind === 'CreateTableNode' || node.kind === 'AlterTableNode'
    return makesColumns ? this.#transformer.transformNode(node, queryId) : node
  }

  transformResult: KyselyPlugin['transformResult'] = ({ result }) => Promise.resolve(result)
}

class TypeTransformer extends OperationNodeTransformer {
  override transformNodeImpl<T extends OperationNode>(node: T, queryId: QueryId): T {
    const type = DataTypeNode.is(node) && typeof node.dataType === 'string' ? types[node.dataType] : undefined
    if (type !== undefined) return RawNode.createWithSql(type) as unknown as T
    return super.transformNodeImpl(node, queryId)
  }
}
