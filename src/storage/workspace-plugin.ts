import {
  AliasNode,
  AndNode,
  BinaryOperationNode,
  ColumnNode,
  IdentifierNode,
  OnNode,
  OperationNodeTransformer,
  OperatorNode,
  ParensNode,
  PrimitiveValueListNode,
  ReferenceNode,
  TableNode,
  ValueListNode,
  ValueNode,
  ValuesNode,
  WhereNode,
} from 'kysely';
import type {
  ColumnUpdateNode,
  DeleteQueryNode,
  InsertQueryNode,
  JoinNode,
  Kysely,
  KyselyPlugin,
  OperationNode,
  QueryId,
  RawNode,
  SelectQueryNode,
  UpdateQueryNode,
} from 'kysely';
import { TENANT_TABLES } from './schema.ts';
import type { Tables, TenantTables } from './schema.ts';

const COLUMN = 'workspace_id';
const TENANT_TABLE_NAMES: ReadonlySet<string> = new Set(TENANT_TABLES);
const STATEMENT_KINDS: ReadonlySet<string> = new Set([
  'SelectQueryNode',
  'InsertQueryNode',
  'UpdateQueryNode',
  'DeleteQueryNode',
]);

/** What the stores of a workspace may do with the database: queries on tenant tables, each confined. */
export type WorkspaceDb = Pick<Kysely<TenantTables>, 'selectFrom' | 'insertInto' | 'updateTable' | 'deleteFrom'>;

/** Confines a database, or a transaction on it, to one workspace. */
export function confine(db: Kysely<Tables>, workspaceId: string): WorkspaceDb {
  return db.withPlugin(workspacePlugin(workspaceId)).$pickTables<keyof TenantTables>();
}

/**
 * The one place where workspaces are kept apart. Every select, update and delete gets the condition
 * on the workspace for each table it reads, joins and sub-queries included; every insert gets the
 * column. Forms it cannot confine (raw SQL, upserts, other tables, other joins) are refused, not let by.
 */
export function workspacePlugin(workspaceId: string): KyselyPlugin {
  const confiner = new Confiner(workspaceId);
  return {
    transformQuery: ({ node, queryId }) => {
      if (!STATEMENT_KINDS.has(node.kind)) throw new WorkspaceConfinementError(`a ${node.kind}`);
      return confiner.transformNode(node, queryId);
    },
    transformResult: async ({ result }) => result,
  };
}

/** A query that cannot be confined to a workspace: a mistake in our own code. */
export class WorkspaceConfinementError extends Error {
  override readonly name = 'WorkspaceConfinementError';

  constructor(form: string) {
    super(`A query of a workspace must not use ${form}.`);
  }
}

class Confiner extends OperationNodeTransformer {
  readonly #workspaceId: string;

  constructor(workspaceId: string) {
    super();
    this.#workspaceId = workspaceId;
  }

  protected override transformSelectQuery(node: SelectQueryNode, queryId?: QueryId): SelectQueryNode {
    const tables = (node.from?.froms ?? []).flatMap((source) => this.#readName(source) ?? []);
    return this.#withCondition(super.transformSelectQuery(node, queryId), tables);
  }

  protected override transformJoin(node: JoinNode, queryId?: QueryId): JoinNode {
    if (node.joinType !== 'InnerJoin' && node.joinType !== 'LeftJoin') {
      throw new WorkspaceConfinementError(`a ${node.joinType}`);
    }
    const table = this.#readName(node.table);
    const join = super.transformJoin(node, queryId);
    if (table === null) return join;
    const condition = this.#condition(table);
    const on = join.on === undefined ? condition : AndNode.create(condition, ParensNode.create(join.on.on));
    return { ...join, on: OnNode.create(on) };
  }

  protected override transformUpdateQuery(node: UpdateQueryNode, queryId?: QueryId): UpdateQueryNode {
    if (node.from !== undefined || node.joins !== undefined)
      throw new WorkspaceConfinementError('an update with a join');
    const table = node.table === undefined ? null : this.#readName(node.table);
    if (table === null) throw new WorkspaceConfinementError('an update without a table');
    return this.#withCondition(super.transformUpdateQuery(node, queryId), [table]);
  }

  protected override transformColumnUpdate(node: ColumnUpdateNode, queryId?: QueryId): ColumnUpdateNode {
    if (!ColumnNode.is(node.column) || node.column.column.name === COLUMN) {
      throw new WorkspaceConfinementError(`an update of ${COLUMN}`);
    }
    return super.transformColumnUpdate(node, queryId);
  }

  protected override transformDeleteQuery(node: DeleteQueryNode, queryId?: QueryId): DeleteQueryNode {
    if (node.using !== undefined || node.joins !== undefined)
      throw new WorkspaceConfinementError('a delete with a join');
    const tables = node.from.froms.flatMap((source) => this.#readName(source) ?? []);
    if (tables.length !== 1) throw new WorkspaceConfinementError('a delete of other than one table');
    return this.#withCondition(super.transformDeleteQuery(node, queryId), tables);
  }

  protected override transformInsertQuery(node: InsertQueryNode, queryId?: QueryId): InsertQueryNode {
    // An upsert or a replace would write to whatever row has the same key, of any workspace.
    if (node.replace === true || node.orAction !== undefined || node.onDuplicateKey !== undefined) {
      throw new WorkspaceConfinementError('an insert that replaces');
    }
    if (node.onConflict !== undefined) throw new WorkspaceConfinementError('an insert with a conflict clause');
    if (node.into === undefined || this.#readName(node.into) === null) {
      throw new WorkspaceConfinementError('an insert without a table');
    }
    return this.#withColumn(super.transformInsertQuery(node, queryId));
  }

  protected override transformRaw(node: RawNode, queryId?: QueryId): RawNode {
    // The directions of `order by` are the only raw text of Kysely's own that our queries need.
    const text = node.sqlFragments.join('?');
    if (text !== 'asc' && text !== 'desc') throw new WorkspaceConfinementError('raw SQL');
    return super.transformRaw(node, queryId);
  }

  /** The name that a table read here has in the query; null for a sub-query, which is confined by itself. */
  #readName(source: OperationNode): string | null {
    if (TableNode.is(source)) return tenantTable(source);
    if (!AliasNode.is(source)) throw new WorkspaceConfinementError(`a ${source.kind} as a table`);
    if (source.node.kind === 'SelectQueryNode') return null;
    if (!TableNode.is(source.node) || !IdentifierNode.is(source.alias)) {
      throw new WorkspaceConfinementError(`a ${source.node.kind} as a table`);
    }
    tenantTable(source.node);
    return source.alias.name;
  }

  #withCondition<T extends { readonly where?: WhereNode }>(node: T, tables: readonly string[]): T {
    return tables.reduce((query, table) => {
      const condition = this.#condition(table);
      const where =
        query.where === undefined ? condition : AndNode.create(condition, ParensNode.create(query.where.where));
      return { ...query, where: WhereNode.create(where) };
    }, node);
  }

  #condition(table: string): OperationNode {
    const column = ReferenceNode.create(ColumnNode.create(COLUMN), TableNode.create(table));
    return BinaryOperationNode.create(column, OperatorNode.create('='), ValueNode.create(this.#workspaceId));
  }

  #withColumn(node: InsertQueryNode): InsertQueryNode {
    const { columns, values } = node;
    if (columns === undefined || values === undefined || !ValuesNode.is(values)) {
      throw new WorkspaceConfinementError('an insert without plain values');
    }
    const index = columns.findIndex((column) => column.column.name === COLUMN);
    if (index !== -1) {
      for (const row of values.values) this.#checkValue(row.values[index]);
      return node;
    }
    const rows = values.values.map((row) =>
      PrimitiveValueListNode.is(row)
        ? PrimitiveValueListNode.create([...row.values, this.#workspaceId])
        : ValueListNode.create([...row.values, ValueNode.create(this.#workspaceId)]),
    );
    return { ...node, columns: [...columns, ColumnNode.create(COLUMN)], values: ValuesNode.create(rows) };
  }

  #checkValue(value: unknown): void {
    const plain = isNode(value) && ValueNode.is(value) ? value.value : value;
    if (plain !== this.#workspaceId) throw new WorkspaceConfinementError('the id of another workspace');
  }
}

function tenantTable(node: TableNode): string {
  const { schema, identifier } = node.table;
  if (schema !== undefined || !TENANT_TABLE_NAMES.has(identifier.name)) {
    throw new WorkspaceConfinementError(`the table ${identifier.name}`);
  }
  return identifier.name;
}

function isNode(value: unknown): value is OperationNode {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
